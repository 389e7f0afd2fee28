package storage_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// secrets are what must not be readable in a stolen database, by where they
// are kept.
var secrets = map[string]string{
	"phone":      "+12025550123",
	"factor":     "the seed of the factor",
	"enrolment":  "the seed of the enrolment",
	"key":        "the private key",
	"fresh code": "the-fresh-code",
	"message":    "the text of the message",
}

func putSecrets(t *testing.T, db *storage.DB) {
	t.Helper()
	seed(t, db)
	mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
		u := person("grace")
		u.Phone = secrets["phone"]
		hers := request("a")
		return errors.Join(
			tx.InsertUser(ctx, u, noon),
			tx.InsertFactor(ctx, storage.Factor{ID: "f", UserID: ada, Kind: "totp", Secret: []byte(secrets["factor"])}, 0, noon),
			tx.PutEnrolment(ctx, storage.Enrolment{BoundTo: "e", Kind: "totp", UserID: ada, Secret: []byte(secrets["enrolment"]), ExpiresAt: noon.Add(time.Hour)}),
			tx.InsertSigningKey(ctx, storage.SigningKey{ID: "k", Alg: "ES256", Private: []byte(secrets["key"]), CreatedAt: noon, SignsFrom: noon}),
			tx.Queue(ctx, storage.OutgoingMail, "ada", secrets["message"], noon),
			tx.InsertAuthRequest(ctx, hers),
		)
	})
	a := must(db.AuthRequest(t.Context(), "a"))(t)
	a.FreshCodes = []string{secrets["fresh code"]}
	mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateAuthRequest(ctx, a) })
	// Once more by the other way of writing a phone number.
	u := must(db.User(t.Context(), "grace"))(t)
	mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateUser(ctx, *u, noon) })
}

// readSecrets reads each secret back the way its users do.
func readSecrets(ctx context.Context, db *storage.DB) map[string]func() (string, error) {
	return map[string]func() (string, error){
		"phone": func() (string, error) {
			u, err := db.User(ctx, "grace")
			if err != nil {
				return "", err
			}
			return u.Phone, nil
		},
		"factor": func() (string, error) {
			fs, err := db.Factors(ctx, ada)
			if err != nil {
				return "", err
			}
			return string(fs[0].Secret), nil
		},
		"enrolment": func() (string, error) {
			e, err := db.Enrolment(ctx, "e", "totp", noon)
			if err != nil {
				return "", err
			}
			return string(e.Secret), nil
		},
		"key": func() (string, error) {
			ks, err := db.SigningKeysNow(ctx)
			if err != nil {
				return "", err
			}
			return string(ks[0].Private), nil
		},
		"fresh code": func() (string, error) {
			a, err := db.AuthRequest(ctx, "a")
			if err != nil {
				return "", err
			}
			return a.FreshCodes[0], nil
		},
		"message": func() (text string, err error) {
			_, err = db.Deliver(ctx, storage.OutgoingMail, time.Hour, func() time.Time { return noon }, func(_ context.Context, m *storage.Outgoing) error {
				text = strings.Trim(string(m.Body), `"`)
				return nil
			})
			return text, err
		},
	}
}

func TestSecretsAreSealed(t *testing.T) {
	eachURL(t, func(t *testing.T, db *storage.DB, url string) {
		putSecrets(t, db)
		// The whole database as one would find it: every value, and on SQLite
		// the bytes of its files.
		found := contents(t, outside(t, url), url)
		if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
			for _, file := range []string{path, path + "-wal"} {
				b, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				found[file] = []string{string(b)}
			}
		}
		seen := false
		for where, values := range found {
			for _, v := range values {
				seen = seen || strings.Contains(v, "grace@acme.example")
				for what, secret := range secrets {
					for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret))} {
						if strings.Contains(v, form) {
							t.Errorf("%s: the %s is readable", where, what)
						}
					}
				}
			}
		}
		if !seen {
			t.Error("what isn't sealed was not found either: this test doesn't look")
		}
		for what, read := range readSecrets(t.Context(), db) {
			if got, err := read(); got != secrets[what] || err != nil {
				t.Errorf("the %s is read as %q: %v", what, got, err)
			}
		}
	})
}

func TestWrongMasterKey(t *testing.T) {
	eachURL(t, func(t *testing.T, db *storage.DB, url string) {
		putSecrets(t, db)
		other := storagetest.Open(t, url, storage.Options{MasterKey: bytes.Repeat([]byte{8}, 32)})
		for what, read := range readSecrets(t.Context(), other) {
			if got, err := read(); err == nil || !strings.Contains(err.Error(), "another master key") || errors.Is(err, storage.ErrNotFound) {
				t.Errorf("the %s is read as %q: %v", what, got, err)
			}
		}
		if _, err := other.SignedIn(t.Context(), "unknown", board, idle, noon); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("what isn't sealed: %v", err)
		}
	})
}

// Whoever can write to the database can't give a person another's number or
// seed: a sealed value opens in its own row only.
func TestSealedValuesStayInTheirRow(t *testing.T) {
	eachURL(t, func(t *testing.T, db *storage.DB, url string) {
		putSecrets(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			e := storage.Enrolment{BoundTo: "e", Kind: "sms", UserID: ada, Secret: []byte("other"), ExpiresAt: noon.Add(time.Hour)}
			return errors.Join(tx.PutEnrolment(ctx, e), tx.InsertAuthRequest(ctx, request("b")), tx.InsertUser(ctx, person("third"), noon),
				tx.InsertFactor(ctx, storage.Factor{ID: "f2", UserID: "grace", Kind: "totp", Secret: []byte("other")}, 0, noon),
				tx.InsertSigningKey(ctx, storage.SigningKey{ID: "k2", Alg: "ES256", CreatedAt: noon, SignsFrom: noon}))
		})
		raw := outside(t, url)
		for _, c := range []struct {
			name, move string
			read       func(ctx context.Context) error
		}{
			{"phone", `UPDATE users SET phone = (SELECT phone FROM users WHERE id = 'grace') WHERE id = 'ada'`,
				func(ctx context.Context) error { _, err := db.User(ctx, ada); return err }},
			{"factor", `UPDATE factors SET secret = (SELECT secret FROM factors WHERE id = 'f') WHERE id = 'f2'`,
				func(ctx context.Context) error { _, err := db.Factors(ctx, "grace"); return err }},
			{"a factor's owner", `UPDATE factors SET user_id = 'third' WHERE id = 'f'`,
				func(ctx context.Context) error { _, err := db.Factors(ctx, "third"); return err }},
			{"enrolment", `UPDATE enrolments SET secret = (SELECT secret FROM enrolments WHERE kind = 'totp') WHERE kind = 'sms'`,
				func(ctx context.Context) error { _, err := db.Enrolment(ctx, "e", "sms", noon); return err }},
			{"fresh codes", `UPDATE auth_requests SET fresh_codes = (SELECT fresh_codes FROM auth_requests WHERE id = 'a') WHERE id = 'b'`,
				func(ctx context.Context) error { _, err := db.AuthRequest(ctx, "b"); return err }},
			{"signing key", `UPDATE signing_keys SET private = (SELECT private FROM signing_keys WHERE id = 'k') WHERE id = 'k2'`,
				func(ctx context.Context) error { _, err := db.SigningKeysNow(ctx); return err }},
		} {
			if err := c.read(t.Context()); err != nil {
				t.Fatalf("%s, before it is moved: %v", c.name, err)
			}
			if _, err := raw.Exec(c.move); err != nil {
				t.Fatal(err)
			}
			if err := c.read(t.Context()); err == nil || !strings.Contains(err.Error(), "does not open") {
				t.Errorf("%s, moved: %v", c.name, err)
			}
		}
	})
}

func TestSecretsAndIDs(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		secret, id := storage.NewSecret(), storage.NewID()
		for s, n := range map[string]int{secret: 32, id: 16, storage.Hash(secret): 32} {
			if raw, err := base64.RawURLEncoding.DecodeString(s); err != nil || len(raw) != n {
				t.Fatalf("%q isn't %d bytes in base64url: %v", s, n, err)
			}
			if seen[s] {
				t.Fatalf("%q came twice", s)
			}
			seen[s] = true
		}
	}
	// RFC 6234's SHA-256 of "abc".
	if h := storage.Hash("abc"); h != "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0" {
		t.Fatalf("Hash is %q", h)
	}
}
