package factor_test

import (
	"strings"
	"testing"

	"github.com/zitadel/passwap/argon2"
	"github.com/zitadel/passwap/bcrypt"
	"github.com/zitadel/passwap/pbkdf2"
	"github.com/zitadel/passwap/scrypt"

	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// People bring the hashes of where they come from: those verify, a wrong
// password doesn't, and the first right one replaces them by ours.
func TestImportedHashes(t *testing.T) {
	const password = "correct horse"
	made := func(hash string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return hash
	}
	bcrypted := made(bcrypt.New(10, nil).Hash(password))
	hashes := map[string]string{
		"bcrypt":              bcrypted,
		"bcrypt as PHP says":  "$2y$" + strings.SplitN(bcrypted, "$", 3)[2],
		"argon2i":             made(argon2.NewArgon2i(argon2.RecommendedIParams, nil).Hash(password)),
		"argon2id, weaker":    made(argon2.NewArgon2id(argon2.Params{Time: 1, Memory: 19 << 10, Threads: 1, KeyLen: 32, SaltLen: 16}, nil).Hash(password)),
		"argon2id, stronger":  made(argon2.NewArgon2id(argon2.Params{Time: 3, Memory: 64 << 10, Threads: 4, KeyLen: 32, SaltLen: 16}, nil).Hash(password)),
		"PBKDF2 with SHA-1":   made(pbkdf2.NewSHA1(pbkdf2.RecommendedSHA1Params, nil).Hash(password)),
		"PBKDF2 with SHA-256": made(pbkdf2.NewSHA256(pbkdf2.RecommendedSHA256Params, nil).Hash(password)),
		"PBKDF2 with SHA-512": made(pbkdf2.NewSHA512(pbkdf2.RecommendedSHA512Params, nil).Hash(password)),
		"scrypt":              made(scrypt.New(scrypt.RecommendedParams, nil).Hash(password)),
	}
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		passwords, p := factor.NewPasswords(), newPerson(t, db)
		try := func(password string) *factor.Attempt {
			t.Helper()
			a, err := passwords.Try(t.Context(), db, "ana@acme.example", password, "here", noon)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		for kind, hash := range hashes {
			t.Run(kind, func(t *testing.T) {
				if err := passwords.KnownHash(hash); err != nil {
					t.Fatalf("not to be imported: %v", err)
				}
				setHash(t, db, p.id, hash)
				if try("wrong").User != nil {
					t.Error("a wrong password verifies")
				}
				a := try(password)
				if a.User == nil {
					t.Fatal("the right password doesn't verify")
				}
				p.write(func(tx *storage.Tx) error { return a.Accept(t.Context(), tx, noon) })
				u, err := db.User(t.Context(), p.id)
				if err != nil || !strings.HasPrefix(u.PasswordHash, "$argon2id$v=19$m=19456,t=2,p=1$") {
					t.Errorf("kept as %s: %v", u.PasswordHash, err)
				}
				if a := try(password); a.User == nil {
					t.Error("the new hash doesn't verify")
				} else {
					p.write(func(tx *storage.Tx) error { return a.Accept(t.Context(), tx, noon) })
				}
			})
		}
	})
}

// A password that is being verified while it is changed proves nothing: it was
// right a moment ago.
func TestPasswordChangedWhileVerified(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		passwords, p := factor.NewPasswords(), newPerson(t, db)
		for name, hash := range map[string]func() (string, error){
			"ours":     func() (string, error) { return passwords.Hash(t.Context(), "correct horse") },
			"imported": func() (string, error) { return bcrypt.New(10, nil).Hash("correct horse") },
		} {
			was, err := hash()
			if err != nil {
				t.Fatal(err)
			}
			setHash(t, db, p.id, was)
			a, err := passwords.Try(t.Context(), db, "ana@acme.example", "correct horse", "here", noon)
			if err != nil || a.User == nil {
				t.Fatalf("%s: %+v, %v", name, a, err)
			}
			setHash(t, db, p.id, "another")
			err = db.Write(t.Context(), func(tx *storage.Tx) error { return a.Accept(t.Context(), tx, noon) })
			if !storage.IsSpent(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
