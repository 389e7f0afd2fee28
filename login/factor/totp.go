package factor

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"net/url"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// TOTP is an authenticator app (RFC 6238): SHA-1, 6 digits, 30 s, a seed of
// 160 bits; this step and the one before are accepted, each once.
type TOTP struct {
	// Issuer names the provider in the app.
	Issuer string
}

// EnrolmentLifetime is how long a seed waits for its first code.
const EnrolmentLifetime = 10 * time.Minute

const (
	totpPeriod = 30
	totpDigits = 6
)

// Method implements [Factor].
func (TOTP) Method() policy.Method { return policy.TOTP }

func sixDigits(code string) bool {
	for _, c := range code {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(code) == totpDigits
}

// Check implements [Factor]: it finds the step whose code this is, and spends
// it by a conditional update.
func (TOTP) Check(ctx context.Context, tx *storage.Tx, e Entry) (Outcome, error) {
	factors, err := tx.Factors(ctx, e.UserID)
	if err != nil {
		return Wrong, err
	}
	outcome := Wrong
	for _, f := range factors {
		if f.Kind != string(policy.TOTP) {
			continue
		}
		step, ok := matchingStep(f.Secret, e.Code, e.At)
		if !ok {
			continue
		}
		switch err := tx.SpendStep(ctx, f.ID, step, e.At); {
		case err == nil:
			return Accepted, nil
		case errors.Is(err, storage.ErrSpent):
			outcome = Used
		default:
			return Wrong, err
		}
	}
	return outcome, nil
}

// matchingStep finds which of the steps t and t−1 has this code. The library
// validates, but doesn't say which step matched.
func matchingStep(seed []byte, code string, now time.Time) (step int64, ok bool) {
	secret := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)
	t := now.Unix() / totpPeriod
	for _, step := range []int64{t, t - 1} {
		ok, err := hotp.ValidateCustom(code, uint64(step), secret, hotp.ValidateOpts{Digits: totpDigits, Algorithm: otp.AlgorithmSHA1})
		if err == nil && ok {
			return step, true
		}
	}
	return 0, false
}

// Pending is a seed that waits for its first code.
type Pending struct{ seed []byte }

// Key is the seed as people type it: base32 without padding.
func (p Pending) Key() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(p.seed)
}

// URI is the otpauth address that apps read from the QR code.
func (t TOTP) URI(p Pending, account string) string {
	label := url.PathEscape(t.Issuer + ":" + account)
	return "otpauth://totp/" + label + "?secret=" + p.Key() + "&issuer=" + url.PathEscape(t.Issuer) + "&algorithm=SHA1&digits=6&period=30"
}

// Begin starts setting up an app, anew if that was begun before; the factors
// there are stay as they are. boundTo names the sign-in or session.
func (TOTP) Begin(ctx context.Context, tx *storage.Tx, boundTo, userID string, now time.Time) error {
	seed := make([]byte, 20)
	rand.Read(seed)
	return tx.PutEnrolment(ctx, storage.Enrolment{BoundTo: boundTo, Kind: string(policy.TOTP), UserID: userID, Secret: seed, ExpiresAt: now.Add(EnrolmentLifetime)})
}

// Pending returns what is being set up. storage.ErrNotFound where nothing is,
// or it is another person's.
func (TOTP) Pending(ctx context.Context, r storage.Reader, boundTo, userID string, now time.Time) (Pending, error) {
	e, err := r.Enrolment(ctx, boundTo, string(policy.TOTP), now)
	if err != nil {
		return Pending{}, err
	}
	if e.UserID != userID {
		return Pending{}, storage.ErrNotFound
	}
	return Pending{seed: e.Secret}, nil
}

// Finish activates the app that showed the code, spends its step, and removes
// the factors that it stands in for. storage.ErrNotFound where nothing is being
// set up.
func (t TOTP) Finish(ctx context.Context, tx *storage.Tx, e Entry, name string, lost []string) (Verdict, error) {
	p, err := t.Pending(ctx, tx.Reader, e.BoundTo, e.UserID, e.At)
	if err != nil {
		return Verdict{}, err
	}
	return tryEnrolment(ctx, tx, policy.TOTP, e, lost, func() (Outcome, error) {
		step, ok := matchingStep(p.seed, e.Code, e.At)
		if !ok {
			return Wrong, nil
		}
		if err := tx.SpendEnrolment(ctx, e.BoundTo, string(policy.TOTP), e.UserID, e.At); err != nil {
			return Wrong, err
		}
		f := storage.Factor{ID: storage.NewID(), UserID: e.UserID, Kind: string(policy.TOTP), Name: name, Secret: p.seed}
		return Accepted, tx.InsertFactor(ctx, f, step, e.At)
	})
}
