// Package factor verifies what a person proves with: one file per factor,
// behind one small interface. It counts every try before it is made, spends
// what is of single use, and knows nothing of pages.
package factor

import (
	"context"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// Factor is a second factor that is proved by a code.
type Factor interface {
	Method() policy.Method
	// Check verifies a person's code and spends it, in tx. It doesn't count:
	// see [Try].
	Check(ctx context.Context, tx *storage.Tx, e Entry) (Outcome, error)
}

// Entry is a code that somebody entered.
type Entry struct {
	UserID string
	// BoundTo names the sign-in or session it was entered in: codes that are
	// sent work in that one alone.
	BoundTo string
	Code    string
	At      time.Time
}

// Outcome is what came of one code.
type Outcome int

const (
	Wrong Outcome = iota
	Accepted
	// Used: it was right, and is spent.
	Used
	// Expired: it was right, and came too late.
	Expired
	// Cloned: a key's signature counter went back; there may be a copy.
	Cloned
	// TooSoon: back-off after too many wrong codes; nothing was tried.
	TooSoon
	// Locked: 50 wrong codes in a row; nothing was tried.
	Locked
)

// Verdict is an outcome with what a person may be told.
type Verdict struct {
	Outcome Outcome
	// TriesLeft before this sign-in ends.
	TriesLeft int
	// NotBefore is when the next try may be made.
	NotBefore time.Time
	// EndsSignIn: too many wrong codes in a row.
	EndsSignIn bool
	// LockedNow: this try was the one that locked the factor. The person must
	// be told.
	LockedNow bool
}

// WrongEndsSignIn is how many wrong codes in a row end a sign-in.
const WrongEndsSignIn = 5

// codeBackoff slows down wrong codes, per person and factor, wherever they are
// entered: sign-in, step-up, enrolment and change share one counter.
var codeBackoff = storage.Backoff{Free: WrongEndsSignIn - 1, First: 30 * time.Second, Max: time.Hour, LockAfter: 50}

// Try counts one try at a factor, makes it, and forgets the failures before it
// where it succeeds. The caller commits tx whatever the verdict.
func Try(ctx context.Context, tx *storage.Tx, f Factor, e Entry) (Verdict, error) {
	return try(ctx, tx, counter(e.UserID, f.Method()), e.At, func() (Outcome, error) { return f.Check(ctx, tx, e) })
}

func counter(userID string, m policy.Method) string { return CounterPrefix(userID) + string(m) }

// CounterPrefix begins the names of all counters of a person's codes.
func CounterPrefix(userID string) string { return "code:" + userID + ":" }

func try(ctx context.Context, tx *storage.Tx, id string, now time.Time, check func() (Outcome, error)) (Verdict, error) {
	a, err := tx.CountAttempt(ctx, id, codeBackoff, now)
	if err != nil {
		return Verdict{}, err
	}
	v := Verdict{TriesLeft: max(0, WrongEndsSignIn-a.Failures), NotBefore: a.NotBefore}
	switch {
	case a.Refused && a.Locked:
		v.Outcome = Locked
		return v, nil
	case a.Refused:
		v.Outcome = TooSoon
		return v, nil
	}
	if v.Outcome, err = check(); err != nil {
		return v, err
	}
	if v.Outcome == Accepted {
		return v, tx.ClearAttempts(ctx, id)
	}
	v.EndsSignIn = a.Failures >= WrongEndsSignIn
	v.LockedNow = a.Locked
	return v, nil
}

// Clean removes what people type between the characters of a code.
func Clean(code string) string {
	return strings.Map(func(c rune) rune {
		switch c {
		case ' ', '-', '\u00a0', '\u2011', '\u2013', '\t':
			return -1
		}
		return c
	}, strings.TrimSpace(code))
}
