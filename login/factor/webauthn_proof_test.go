package factor_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestPasskeySignsInByItself(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		newKeyring(t, db, "bob").enrol()
		k := newKeyring(t, db, "ana")
		k.verifies, k.backup = true, true
		k.enrol()
		k.now = noon.Add(time.Hour)
		raw := k.begin(nil)
		o := readOptions(t, raw)
		if o.UserVerification != "required" || len(o.AllowCredentials) != 0 || o.RPID != rpIDHere || len(mustBytes(t, o.Challenge)) < 16 || o.Timeout != 300_000 {
			t.Errorf("options: %s", raw)
		}
		p := k.verify(nil, k.get(raw))
		want := policy.Proof{Method: policy.WebAuthn, At: k.now, UserVerified: true, Key: policy.KeySynced}
		if p.Outcome != factor.Accepted || p.UserID != k.user.ID || p.Proof != want {
			t.Fatalf("%+v", p)
		}
		f := k.factors()[0]
		if diff := cmp.Diff(f, p.Factor); diff != "" || f.Counter != 2 || !f.LastUsedAt.Equal(k.now) {
			t.Errorf("stored, returned: %s", diff)
		}
	})
}

func TestKeyAsSecondFactor(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		newKeyring(t, db, "bob").enrol()
		k := newKeyring(t, db, "ana")
		k.write(func(tx *storage.Tx) error {
			if _, err := k.w.BeginProof(t.Context(), tx, k.here, k.user, noon); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("without keys: %v", err)
			}
			return nil
		})
		k.enrol()
		raw := k.begin(k.user)
		o := readOptions(t, raw)
		if o.UserVerification != "preferred" || len(o.AllowCredentials) != 1 || o.AllowCredentials[0].ID != b64(k.keys[0].id) {
			t.Errorf("options: %s", raw)
		}
		p := k.verify(k.user, k.get(raw))
		if want := (policy.Proof{Method: policy.WebAuthn, At: noon}); p.Outcome != factor.Accepted || p.UserID != k.user.ID || p.Proof != want {
			t.Fatalf("%+v", p)
		}
		// Keys that aren't discoverable don't say whose they are.
		k.keys[0].user = nil
		if p := k.verify(k.user, k.get(k.begin(k.user))); p.Outcome != factor.Accepted {
			t.Errorf("without a user handle: %+v", p)
		}
	})
}

// Every answer that must not be believed, and what it is called.
func TestWrongAnswers(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		bob := newKeyring(t, db, "bob")
		bob.verifies = true
		bob.enrol()
		for _, tt := range []struct {
			name string
			// answer makes the answer to a challenge of a sign-in by itself
			// (user is nil) or as a second factor, and may do more.
			answer  func(k *keyring, user *storage.User) []byte
			want    factor.Outcome
			only    string // "alone" or "second": the case makes sense for one of them
			unknown bool
		}{
			{name: "another origin", answer: func(k *keyring, u *storage.User) []byte {
				k.origin = "https://id.example.com.evil.example"
				return k.get(k.begin(u))
			}},
			{name: "an embedding page", answer: func(k *keyring, u *storage.User) []byte {
				k.clientData = map[string]any{"crossOrigin": true, "topOrigin": "https://evil.example"}
				return k.get(k.begin(u))
			}},
			{name: "another RP ID", answer: func(k *keyring, u *storage.User) []byte {
				k.keys[0].rpID = "example.com"
				return k.get(k.begin(u))
			}},
			{name: "a made-up challenge", answer: func(k *keyring, u *storage.User) []byte {
				k.begin(u)
				return k.use(k.keys[0], b64(make([]byte, 32)))
			}},
			{name: "the challenge before this", answer: func(k *keyring, u *storage.User) []byte {
				old := k.get(k.begin(u))
				k.begin(u)
				return old
			}},
			{name: "an answer to a creation", answer: func(k *keyring, u *storage.User) []byte {
				k.clientData = map[string]any{"type": "webauthn.create"}
				return k.get(k.begin(u))
			}},
			{name: "a signature by another key", answer: func(k *keyring, u *storage.User) []byte {
				k.keys[0].key = newECDSA(k.t)
				return k.get(k.begin(u))
			}},
			{name: "nobody present", answer: func(k *keyring, u *storage.User) []byte {
				k.absent = true
				return k.get(k.begin(u))
			}},
			{name: "became a key that is backed up", answer: func(k *keyring, u *storage.User) []byte {
				k.backup = true
				return k.get(k.begin(u))
			}},
			{name: "no JSON", answer: func(k *keyring, u *storage.User) []byte { k.begin(u); return []byte("credential") }},
			{name: "nothing", answer: func(k *keyring, u *storage.User) []byte { k.begin(u); return nil }},
			{name: "half of it", answer: func(k *keyring, u *storage.User) []byte {
				return bytes.Replace(k.get(k.begin(u)), []byte(`"signature"`), []byte(`"signed"`), 1)
			}},
			{name: "no challenge was made", want: factor.Expired, answer: func(k *keyring, _ *storage.User) []byte {
				return k.use(k.keys[0], b64(make([]byte, 32)))
			}},
			{name: "too late", want: factor.Expired, answer: func(k *keyring, u *storage.User) []byte {
				answer := k.get(k.begin(u))
				k.now = k.now.Add(factor.ChallengeLifetime)
				return answer
			}},
			{name: "used already", want: factor.Expired, answer: func(k *keyring, u *storage.User) []byte {
				answer := k.get(k.begin(u))
				if p := k.verify(u, answer); p.Outcome != factor.Accepted {
					k.t.Fatalf("the first time: %+v", p)
				}
				return answer
			}},
			{name: "used by a wrong answer", want: factor.Expired, answer: func(k *keyring, u *storage.User) []byte {
				answer := k.get(k.begin(u))
				k.verify(u, []byte("{}"))
				return answer
			}},
			{name: "bound to another sign-in", want: factor.Expired, answer: func(k *keyring, u *storage.User) []byte {
				var options []byte
				k.write(func(tx *storage.Tx) (err error) {
					options, err = k.w.BeginProof(k.t.Context(), tx, "elsewhere", u, k.now)
					return err
				})
				return k.get(options)
			}},
			{name: "another person's key", only: "second", answer: func(k *keyring, u *storage.User) []byte {
				return bob.use(bob.keys[0], readOptions(k.t, k.begin(u)).Challenge)
			}},
			{name: "another person's challenge", answer: func(k *keyring, _ *storage.User) []byte {
				bob.here = k.here
				return k.get(bob.begin(bob.user))
			}},
			{name: "a challenge of the other sort of sign-in", answer: func(k *keyring, u *storage.User) []byte {
				if u == nil {
					return k.get(k.begin(k.user))
				}
				return k.get(k.begin(nil))
			}},
			{name: "the person wasn't verified", only: "alone", answer: func(k *keyring, u *storage.User) []byte {
				k.verifies = false
				return k.get(k.begin(u))
			}},
			{name: "says it is somebody else's", only: "alone", unknown: true, answer: func(k *keyring, u *storage.User) []byte {
				k.keys[0].user = []byte(bob.user.ID)
				return k.get(k.begin(u))
			}},
			{name: "says it is nobody's", only: "alone", unknown: true, answer: func(k *keyring, u *storage.User) []byte {
				k.keys[0].user = nil
				return k.get(k.begin(u))
			}},
			{name: "says it is a stranger's", only: "alone", unknown: true, answer: func(k *keyring, u *storage.User) []byte {
				k.keys[0].user = []byte("stranger")
				return k.get(k.begin(u))
			}},
			{name: "says it is no text", only: "alone", unknown: true, answer: func(k *keyring, u *storage.User) []byte {
				k.keys[0].user = []byte{0xff, 0xfe}
				return k.get(k.begin(u))
			}},
			{name: "says it is a zero", only: "alone", unknown: true, answer: func(k *keyring, u *storage.User) []byte {
				k.keys[0].user = append([]byte(k.user.ID), 0)
				return k.get(k.begin(u))
			}},
			{name: "was removed", only: "alone", unknown: true, answer: func(k *keyring, u *storage.User) []byte {
				answer := k.get(k.begin(u))
				k.write(func(tx *storage.Tx) error { return tx.DeleteFactor(k.t.Context(), k.user.ID, k.factors()[0].ID) })
				return answer
			}},
		} {
			for _, alone := range []bool{true, false} {
				sort := map[bool]string{true: "alone", false: "second"}[alone]
				if tt.only != "" && tt.only != sort {
					continue
				}
				t.Run(tt.name+"/"+sort, func(t *testing.T) {
					k := newKeyring(t, db, "ana"+storage.NewID())
					k.verifies = true
					k.enrol()
					var user *storage.User
					if !alone {
						user = k.user
					}
					used := k.factors()
					answer := tt.answer(k, user)
					if tt.name == "used already" {
						used = k.factors()
					}
					p := k.verify(user, answer)
					if p.Outcome != tt.want || p.UserID != "" || p.Factor != nil || p.Proof != (policy.Proof{}) {
						t.Errorf("%+v", p)
					}
					if (p.Unknown != "") != tt.unknown || tt.unknown && p.Unknown != b64(k.keys[0].id) {
						t.Errorf("unknown key %q", p.Unknown)
					}
					if diff := cmp.Diff(used, k.factors()); diff != "" && tt.name != "was removed" {
						t.Errorf("the key was noted as used: %s", diff)
					}
				})
			}
		}
	})
}

func TestClonedKey(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		for i, tt := range []struct {
			stored, answered uint32
			want             factor.Outcome
		}{
			{7, 8, factor.Accepted},
			{7, 4000000000, factor.Accepted},
			{7, 7, factor.Cloned},
			{7, 6, factor.Cloned},
			{7, 0, factor.Cloned},
			{0, 0, factor.Accepted}, // has no counter
			{0, 1, factor.Accepted},
		} {
			k := newKeyring(t, db, "ana"+string(rune('a'+i)))
			k.verifies = true
			options := k.beginEnrolment()
			k.create(options)
			key := k.keys[0]
			key.counter, key.step = tt.stored, 0
			k.finishEnrolment("", k.register(key, readOptions(t, options).Challenge))
			key.counter = tt.answered
			was := k.factors()[0]
			k.now = noon.Add(time.Hour)
			p := k.verify(nil, k.get(k.begin(nil)))
			if p.Outcome != tt.want || p.UserID != k.user.ID || p.Factor == nil || p.Factor.ID != was.ID {
				t.Errorf("%d after %d: %+v", tt.answered, tt.stored, p)
			}
			is := k.factors()[0]
			if tt.want == factor.Cloned {
				if diff := cmp.Diff(was, is); diff != "" || p.Proof != (policy.Proof{}) {
					t.Errorf("a copy was noted as used: %s", diff)
				}
			} else if is.Counter != int64(tt.answered) || !is.LastUsedAt.Equal(k.now) {
				t.Errorf("%d after %d: stored %d", tt.answered, tt.stored, is.Counter)
			}
		}
	})
}
