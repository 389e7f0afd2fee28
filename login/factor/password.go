package factor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/zitadel/passwap"
	"github.com/zitadel/passwap/argon2"
	"github.com/zitadel/passwap/bcrypt"
	"github.com/zitadel/passwap/pbkdf2"
	"github.com/zitadel/passwap/scrypt"
	"golang.org/x/text/unicode/norm"

	"github.com/sallyport-id/sallyport/storage"
)

// ErrBusy says that too many passwords are being hashed at the moment.
var ErrBusy = errors.New("too many sign-ins at once")

// hashWait is how long a sign-in waits for its turn at hashing.
const hashWait = 10 * time.Second

// passwordBackoff slows down wrong passwords per account and network.
var passwordBackoff = storage.Backoff{Free: 4, First: time.Second, Max: 15 * time.Minute}

// failuresADay of an account after which only networks it knows may try.
const failuresADay = 100

// Passwords hashes and verifies passwords: argon2id of 19 MiB, t=2, p=1; at
// most one at a time per core, so that memory stays bounded and other requests
// quick. Hashes of other kinds verify too, and are replaced.
type Passwords struct {
	swapper *passwap.Swapper
	slots   chan struct{}
}

// nobody is the hash that an unknown person's password is compared with, so
// that it takes as long. Its password was random and is forgotten.
const nobody = "$argon2id$v=19$m=19456,t=2,p=1$P3CkNfSOq9cFcJwgUk3ODA$rlNsI24yQludic0faRiWYZjV3x9gwiZo0AbFrDPJZN0"

// NewPasswords makes one; hash slots are shared by everybody who uses it.
func NewPasswords() *Passwords {
	return &Passwords{
		swapper: passwap.NewSwapper(argon2.NewArgon2id(argon2.Params{Time: 2, Memory: 19 << 10, Threads: 1, KeyLen: 32, SaltLen: 16}, nil),
			bcrypt.NewVerifier(nil), argon2.NewVerifier(nil), pbkdf2.NewVerifier(nil), scrypt.NewVerifier(nil)),
		slots: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
}

// KnownHash says whether an imported hash is of a kind that verifies.
func (p *Passwords) KnownHash(encoded string) error { return p.swapper.Validate(encoded) }

func (p *Passwords) slot(ctx context.Context) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, hashWait)
	defer cancel()
	select {
	case p.slots <- struct{}{}:
		return func() { <-p.slots }, nil
	case <-ctx.Done():
		return nil, ErrBusy
	}
}

// Hash returns the PHC string of a password. ErrBusy where there is no slot.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	release, err := p.slot(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	return p.swapper.Hash(norm.NFC.String(password))
}

// verify says whether a password fits a hash, and gives a new hash where the
// old one is of another kind or strength.
func (p *Passwords) verify(ctx context.Context, encoded, password string) (ok bool, upgraded string, err error) {
	release, err := p.slot(ctx)
	if err != nil {
		return false, "", err
	}
	defer release()
	upgraded, err = p.swapper.Verify(encoded, norm.NFC.String(password))
	if errors.Is(err, passwap.ErrPasswordMismatch) {
		return false, "", nil
	}
	return err == nil, upgraded, err
}

// Attempt is a password that was tried.
type Attempt struct {
	// User is whose it is; nil where nobody has this address and password.
	User *storage.User
	// Refused: back-off; the password was not looked at.
	Refused   bool
	NotBefore time.Time
	// Concerns is the person whose password was tried, for the audit; nil
	// where the address is nobody's.
	Concerns *storage.User

	counters []string
	upgraded string
}

// Try verifies the password of the person with an address. The answer and its
// time are the same for unknown people. Where it succeeds, the caller calls
// [Attempt.Accept] in the transaction that records the proof.
func (p *Passwords) Try(ctx context.Context, db *storage.DB, email, password, network string, now time.Time) (*Attempt, error) {
	account := PasswordCounterPrefix(email)
	here, day := account+":"+network, account+":day"
	user, err := db.UserByEmail(ctx, email)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return nil, err
	}
	a := &Attempt{Concerns: user, counters: []string{here, day}}
	encoded := nobody
	known := false
	if user != nil {
		if user.PasswordHash != "" {
			encoded = user.PasswordHash
		}
		if known, err = db.KnowsNetwork(ctx, user.ID, network); err != nil {
			return nil, err
		}
	}
	err = db.Write(ctx, func(tx *storage.Tx) error {
		count, err := tx.CountAttempt(ctx, here, passwordBackoff, now)
		if err != nil {
			return err
		}
		if a.Refused, a.NotBefore = count.Refused, count.NotBefore; a.Refused {
			return nil
		}
		total, err := tx.CountAttempt(ctx, day, storage.Backoff{Free: 1 << 30}, now)
		if total.Today > failuresADay && !known {
			a.Refused, a.NotBefore = true, now.Truncate(24*time.Hour).Add(24*time.Hour)
		}
		return err
	})
	if err != nil || a.Refused {
		return a, err
	}
	ok, upgraded, err := p.verify(ctx, encoded, password)
	if err != nil {
		return nil, fmt.Errorf("verify password: %w", err)
	}
	if ok && user != nil && user.PasswordHash != "" {
		a.User, a.upgraded = user, upgraded
	}
	return a, nil
}

// Accept forgets the failures before a right password, and replaces a hash of
// another kind. storage.ErrSpent where the password was changed since it was
// verified. It holds the person until the transaction ends.
func (a *Attempt) Accept(ctx context.Context, tx *storage.Tx, now time.Time) error {
	if err := tx.HoldPassword(ctx, a.User.ID, a.User.PasswordHash); err != nil {
		return err
	}
	for _, id := range a.counters {
		if err := tx.ClearAttempts(ctx, id); err != nil {
			return err
		}
	}
	if a.upgraded == "" {
		return nil
	}
	return tx.SetPasswordHash(ctx, a.User.ID, a.User.PasswordHash, a.upgraded, now)
}

// PasswordCounterPrefix begins the names of the counters of an address.
func PasswordCounterPrefix(email string) string {
	return "password:" + storage.Hash(storage.EmailKey(email))
}
