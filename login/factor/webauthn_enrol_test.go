package factor_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestEnrolKey(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		k := newKeyring(t, db, "ana")
		raw := k.beginEnrolment()
		o := readOptions(t, raw)
		if o.RP.ID != rpIDHere || o.RP.Name != "Example" || string(mustBytes(t, o.User.ID)) != k.user.ID || o.User.Name != "ana@acme.example" || o.User.DisplayName != "ana" {
			t.Errorf("who: %s", raw)
		}
		if o.AuthenticatorSelection.ResidentKey != "required" || o.AuthenticatorSelection.UserVerification != "preferred" || o.Attestation != "none" || o.Timeout != 300_000 {
			t.Errorf("how: %s", raw)
		}
		if len(mustBytes(t, o.Challenge)) < 16 || len(o.ExcludeCredentials) != 0 {
			t.Errorf("options: %s", raw)
		}
		k.verifies = true
		p := k.finishEnrolment(" Work key ", k.create(raw))
		want := policy.Proof{Method: policy.WebAuthn, At: noon, UserVerified: true}
		if p.Outcome != factor.Accepted || p.UserID != k.user.ID || p.Proof != want {
			t.Fatalf("%+v", p)
		}
		f := k.factors()[0]
		if diff := cmp.Diff(f, p.Factor); diff != "" {
			t.Errorf("stored, returned: %s", diff)
		}
		if f.Kind != "webauthn" || f.Name != "Work key" || f.Handle != storage.Hash(b64(k.keys[0].id)) || f.Hardware || f.Synced || f.Counter != 1 {
			t.Errorf("stored: %+v", f)
		}
		if o := readOptions(t, k.beginEnrolment()); len(o.ExcludeCredentials) != 1 || o.ExcludeCredentials[0].ID != b64(k.keys[0].id) {
			t.Errorf("excluded: %+v", o.ExcludeCredentials)
		}
		k.verifies = false
		if p := k.enrol(); p.Proof.UserVerified {
			t.Error("the person wasn't verified")
		}
	})
}

func TestWrongEnrolments(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		bob := newKeyring(t, db, "bob")
		for _, tt := range []struct {
			name   string
			answer func(k *keyring) []byte
			want   factor.Outcome
		}{
			{"another origin", func(k *keyring) []byte { k.origin = "https://example.com"; return k.create(k.beginEnrolment()) }, factor.Wrong},
			{"another RP ID", func(k *keyring) []byte {
				o := readOptions(k.t, k.beginEnrolment())
				k.create([]byte(`{}`))
				k.keys[0].rpID = "example.com"
				return k.register(k.keys[0], o.Challenge)
			}, factor.Wrong},
			{"a made-up challenge", func(k *keyring) []byte {
				k.create(k.beginEnrolment())
				return k.register(k.keys[0], b64(make([]byte, 32)))
			}, factor.Wrong},
			{"another person's challenge", func(k *keyring) []byte {
				bob.here = k.here
				return k.create(bob.beginEnrolment())
			}, factor.Wrong},
			{"an answer to a request", func(k *keyring) []byte {
				k.clientData = map[string]any{"type": "webauthn.get"}
				return k.create(k.beginEnrolment())
			}, factor.Wrong},
			{"nobody present", func(k *keyring) []byte { k.absent = true; return k.create(k.beginEnrolment()) }, factor.Wrong},
			{"no JSON", func(k *keyring) []byte { k.beginEnrolment(); return []byte("{") }, factor.Wrong},
			{"a forged attestation", func(k *keyring) []byte {
				k.attest = func(a *authenticator, _ *softKey, signed []byte) (string, map[string]any) {
					return "packed", map[string]any{"alg": -7, "sig": sign(a.t, newECDSA(a.t), signed)}
				}
				return k.create(k.beginEnrolment())
			}, factor.Wrong},
			{"no challenge", func(k *keyring) []byte { return k.create([]byte(`{}`)) }, factor.Expired},
			{"too late", func(k *keyring) []byte {
				answer := k.create(k.beginEnrolment())
				k.now = k.now.Add(factor.ChallengeLifetime)
				return answer
			}, factor.Expired},
			{"a challenge to sign in", func(k *keyring) []byte { return k.create(k.begin(nil)) }, factor.Expired},
		} {
			t.Run(tt.name, func(t *testing.T) {
				k := newKeyring(t, db, "ana"+storage.NewID())
				p := k.finishEnrolment("Key", tt.answer(k))
				if diff := cmp.Diff(factor.KeyProof{Outcome: tt.want}, p); diff != "" || len(k.factors()) != 0 {
					t.Errorf("%s, %d keys", diff, len(k.factors()))
				}
			})
		}
	})
}

func TestAKeyIsRegisteredOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		ana, bob := newKeyring(t, db, "ana"), newKeyring(t, db, "bob")
		ana.enrol()
		for name, k := range map[string]*keyring{"the same person": ana, "another person": bob} {
			answer := ana.register(ana.keys[0], readOptions(t, k.beginEnrolment()).Challenge)
			err := db.Write(t.Context(), func(tx *storage.Tx) error {
				_, err := k.w.Enrol(t.Context(), tx, k.here, k.user, "", answer, k.now)
				return err
			})
			if !errors.Is(err, storage.ErrTaken) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if len(ana.factors()) != 1 || len(bob.factors()) != 0 {
			t.Errorf("%d and %d keys", len(ana.factors()), len(bob.factors()))
		}
	})
}

func TestNamesOfKeys(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		k := newKeyring(t, db, "ana")
		file := metadataFile(t, statement{aaguid: yubi, description: "Example Key 5"})
		for _, tt := range []struct {
			name       string
			transports []string
			attachment string
			backup     bool
			aaguid     [16]byte
			want       string
		}{
			{name: "Mine", want: "Mine"},
			{name: strings.Repeat("ü", 70), want: strings.Repeat("ü", 60)},
			{transports: []string{"internal"}, want: "Passkey"},
			{transports: []string{"hybrid", "internal"}, backup: true, want: "Passkey 2"},
			{transports: []string{"usb", "nfc"}, want: "Security key"},
			{attachment: "cross-platform", want: "Security key 2"},
			{attachment: "platform", want: "Passkey 3"},
			{attachment: "cross-platform", backup: true, want: "Passkey 4"},
			{aaguid: yubi, want: "Example Key 5"},
			{aaguid: yubi, want: "Example Key 5 2"},
		} {
			k.w = mustWebAuthn(t, file)
			k.transports, k.attachment, k.backup, k.aaguid = tt.transports, tt.attachment, tt.backup, tt.aaguid
			if p := k.finishEnrolment(tt.name, k.create(k.beginEnrolment())); p.Factor == nil || p.Factor.Name != tt.want {
				t.Errorf("%+v: %+v", tt, p)
			}
		}
	})
}
