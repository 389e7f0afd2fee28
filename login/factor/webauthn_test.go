package factor_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

const (
	issuer   = "https://id.example.com"
	rpIDHere = "id.example.com"
)

func mustWebAuthn(t *testing.T, metadataFile string) *factor.WebAuthn {
	t.Helper()
	w, err := factor.NewWebAuthn(issuer, "Example", metadataFile)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// keyring is a person and the authenticator they carry.
type keyring struct {
	*authenticator
	db   *storage.DB
	w    *factor.WebAuthn
	user *storage.User
	// here is the sign-in or session.
	here string
	now  time.Time
}

// newKeyring adds a person without keys. name is the local part of the address.
func newKeyring(t *testing.T, db *storage.DB, name string) *keyring {
	t.Helper()
	k := &keyring{authenticator: &authenticator{t: t, origin: issuer}, db: db, w: mustWebAuthn(t, ""), here: "login:" + storage.NewID(), now: noon}
	user := storage.User{ID: storage.NewID(), OrgID: "acme", Email: name + "@acme.example", Profile: storage.Profile{Name: name}, Kind: policy.Staff, Role: policy.Member}
	k.write(func(tx *storage.Tx) error {
		if err := tx.PutOrg(t.Context(), storage.Org{ID: "acme", Name: "Acme", Rules: []byte("{}")}, noon); err != nil {
			return err
		}
		return tx.InsertUser(t.Context(), user, noon)
	})
	k.user = &user
	return k
}

func (k *keyring) write(fn func(*storage.Tx) error) {
	k.t.Helper()
	if err := k.db.Write(k.t.Context(), fn); err != nil {
		k.t.Fatal(err)
	}
}

func (k *keyring) beginEnrolment() (options json.RawMessage) {
	k.t.Helper()
	k.write(func(tx *storage.Tx) (err error) {
		options, err = k.w.BeginEnrolment(k.t.Context(), tx, k.here, k.user, k.now)
		return err
	})
	return options
}

func (k *keyring) finishEnrolment(name string, response []byte) (p factor.KeyProof) {
	k.t.Helper()
	k.write(func(tx *storage.Tx) (err error) {
		p, err = k.w.Enrol(k.t.Context(), tx, k.here, k.user, name, response, k.now)
		return err
	})
	return p
}

// enrol registers a new key.
func (k *keyring) enrol() factor.KeyProof {
	k.t.Helper()
	p := k.finishEnrolment("", k.create(k.beginEnrolment()))
	if p.Outcome != factor.Accepted {
		k.t.Fatalf("enrol: %+v", p)
	}
	return p
}

func (k *keyring) begin(user *storage.User) (options json.RawMessage) {
	k.t.Helper()
	k.write(func(tx *storage.Tx) (err error) {
		options, err = k.w.BeginProof(k.t.Context(), tx, k.here, user, k.now)
		return err
	})
	return options
}

func (k *keyring) verify(user *storage.User, response []byte) (p factor.KeyProof) {
	k.t.Helper()
	k.write(func(tx *storage.Tx) (err error) {
		p, err = k.w.Verify(k.t.Context(), tx, k.here, user, response, k.now)
		return err
	})
	return p
}

func (k *keyring) factors() []*storage.Factor {
	k.t.Helper()
	all, err := k.db.Factors(k.t.Context(), k.user.ID)
	if err != nil {
		k.t.Fatal(err)
	}
	return all
}

func TestNewWebAuthn(t *testing.T) {
	for issuer, rpID := range map[string]string{
		"https://id.example.com":      "id.example.com",
		"https://ID.Example.com:8443": "id.example.com",
		"http://localhost:8080":       "localhost",
	} {
		w, err := factor.NewWebAuthn(issuer, "Example", "")
		if err != nil {
			t.Errorf("%s: %v", issuer, err)
		} else if w.RPID() != rpID || w.Method() != policy.WebAuthn {
			t.Errorf("%s: RP ID %q of %q", issuer, w.RPID(), w.Method())
		}
	}
	for _, issuer := range []string{"http://127.0.0.1:8080", "https://[::1]"} {
		if _, err := factor.NewWebAuthn(issuer, "Example", ""); !errors.Is(err, factor.ErrNoDomain) {
			t.Errorf("%s: %v", issuer, err)
		}
	}
	for _, issuer := range []string{"", "id.example.com", "https://"} {
		if _, err := factor.NewWebAuthn(issuer, "Example", ""); err == nil {
			t.Errorf("%q was accepted", issuer)
		}
	}
}

// What a browser calls the origin, however the issuer is written.
func TestOriginIsWrittenAsBrowsersDo(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		for i, tt := range []struct {
			issuer, origin string
			want           factor.Outcome
		}{
			{"https://ID.example.com:443", "https://id.example.com", factor.Accepted},
			{"http://id.example.com:80", "http://id.example.com", factor.Accepted},
			{"https://id.example.com:8443", "https://id.example.com:8443", factor.Accepted},
			{"https://id.example.com:8443", "https://id.example.com", factor.Wrong},
			{"https://id.example.com", "http://id.example.com", factor.Wrong},
			{"https://id.example.com", "https://me@id.example.com", factor.Wrong},
			{"https://id.example.com", "https://login.id.example.com", factor.Wrong},
		} {
			k := newKeyring(t, db, fmt.Sprintf("person%d", i))
			w, err := factor.NewWebAuthn(tt.issuer, "Example", "")
			if err != nil {
				t.Fatal(err)
			}
			k.w, k.origin = w, tt.origin
			if p := k.finishEnrolment("", k.create(k.beginEnrolment())); p.Outcome != tt.want {
				t.Errorf("%s at %s: %v", tt.origin, tt.issuer, p.Outcome)
			}
		}
	})
}

func TestSignalling(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		k := newKeyring(t, db, "ana")
		k.write(func(tx *storage.Tx) error {
			return tx.InsertFactor(t.Context(), storage.Factor{ID: "app", UserID: k.user.ID, Kind: "totp", Secret: []byte("seed")}, 0, noon)
		})
		for _, n := range []int{0, 1, 2} {
			want := []string{}
			for _, key := range k.keys {
				want = append(want, b64(key.id))
			}
			got, err := factor.CredentialIDs(k.factors())
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Fatalf("with %d keys: %v, %s", n, err, diff)
			}
			k.now = k.now.Add(time.Second)
			k.enrol()
		}
		if got := factor.UserHandle(k.user.ID); got != b64(k.keys[0].user) {
			t.Errorf("user handle %q", got)
		}
	})
}
