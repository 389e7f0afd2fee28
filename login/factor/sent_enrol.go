package factor

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
)

// Setting up a number or address to send codes to. A code goes there and must
// come back; a number can also be learnt from a text message that the person
// sends with a word shown to them.

// waiting marks an enrolment that waits for a text message with the word that
// follows.
const waiting = "word:"

// codesOf is what codes of setting up are bound to: they prove nothing
// elsewhere.
func codesOf(boundTo string) string { return "enrol:" + boundTo }

// Begin starts setting up r.Target, in place of what was begun before, and
// sends a code there. For the message's id and errors see [Sent.Send].
func (s Sent) Begin(ctx context.Context, tx *storage.Tx, r Request) (messageID string, err error) {
	err = tx.PutEnrolment(ctx, storage.Enrolment{
		BoundTo: r.BoundTo, Kind: string(s.Kind), UserID: r.User.ID, Secret: []byte(r.Target), ExpiresAt: r.At.Add(EnrolmentLifetime),
	})
	if err != nil {
		return "", err
	}
	r.BoundTo = codesOf(r.BoundTo)
	return s.Send(ctx, tx, r)
}

// Await starts setting up the number from which a text message with the word
// will come.
func (s Sent) Await(ctx context.Context, tx *storage.Tx, boundTo, userID string, now time.Time) error {
	raw := make([]byte, 5)
	rand.Read(raw)
	word := crockford.EncodeToString(raw)
	return tx.PutEnrolment(ctx, storage.Enrolment{
		BoundTo: boundTo, Kind: string(s.Kind), UserID: userID, Secret: []byte(waiting + word), WordHash: wordHash(word), ExpiresAt: now.Add(EnrolmentLifetime),
	})
}

func wordHash(word string) string { return storage.Hash("word:" + readCode(word)) }

// Receive takes a text message that came in: where its word is waited for, it
// fills in the number and sends a code back. ok is false where nobody waits for
// it (any more), or it came before.
func (s Sent) Receive(ctx context.Context, tx *storage.Tx, m notify.Inbound, now time.Time) (messageID string, ok bool, err error) {
	if err := tx.ReceiveOnce(ctx, string(s.Kind)+":"+m.ID, now); storage.IsSpent(err) {
		return "", false, nil
	} else if err != nil {
		return "", false, err
	}
	e, err := tx.FillEnrolment(ctx, wordHash(m.Body), []byte(m.From), now)
	if storage.IsSpent(err) {
		return "", false, nil
	} else if err != nil {
		return "", false, err
	}
	user, err := tx.User(ctx, e.UserID)
	if err != nil {
		return "", false, err
	}
	messageID, err = s.Send(ctx, tx, Request{User: user, BoundTo: codesOf(e.BoundTo), Target: m.From, At: now})
	return messageID, err == nil, err
}

// PendingTarget is a number or address being set up.
type PendingTarget struct {
	// Target is where codes go; empty while a text message is waited for.
	Target string
	// Word is what that message must say, until Until.
	Word  string
	Until time.Time
}

// Pending returns what is being set up. storage.ErrNotFound where nothing is,
// or it is another person's.
func (s Sent) Pending(ctx context.Context, r storage.Reader, boundTo, userID string, now time.Time) (PendingTarget, error) {
	e, err := r.Enrolment(ctx, boundTo, string(s.Kind), now)
	if err != nil {
		return PendingTarget{}, err
	}
	if e.UserID != userID {
		return PendingTarget{}, storage.ErrNotFound
	}
	p := PendingTarget{Target: string(e.Secret), Until: e.ExpiresAt}
	if word, ok := strings.CutPrefix(p.Target, waiting); ok {
		p.Target, p.Word = "", word[:4]+"-"+word[4:]
	}
	return p, nil
}

// Resend sends another code to what is being set up.
func (s Sent) Resend(ctx context.Context, tx *storage.Tx, r Request) (messageID string, err error) {
	r.BoundTo = codesOf(r.BoundTo)
	return s.Send(ctx, tx, r)
}

// SentForEnrolment is the newest code of setting up.
func (s Sent) SentForEnrolment(ctx context.Context, r storage.Reader, boundTo string) (*storage.SentCode, error) {
	return r.SentCode(ctx, codesOf(boundTo), string(s.Kind))
}

// Finish activates the number or address whose code came back, in place of the
// one before, and removes the factors it stands in for. A number becomes the
// person's phone. storage.ErrNotFound where nothing is being set up.
func (s Sent) Finish(ctx context.Context, tx *storage.Tx, e Entry, lost []string) (Verdict, error) {
	p, err := s.Pending(ctx, tx.Reader, e.BoundTo, e.UserID, e.At)
	if err == nil && p.Target == "" {
		err = storage.ErrNotFound
	}
	if err != nil {
		return Verdict{}, err
	}
	return tryEnrolment(ctx, tx, s.Kind, e, lost, func() (Outcome, error) {
		entered := e
		entered.BoundTo = codesOf(e.BoundTo)
		outcome, err := s.Check(ctx, tx, entered)
		if err != nil || outcome != Accepted {
			return outcome, err
		}
		if err := tx.SpendEnrolment(ctx, e.BoundTo, string(s.Kind), e.UserID, e.At); err != nil {
			return Wrong, err
		}
		if _, err := tx.DeleteFactors(ctx, e.UserID, string(s.Kind)); err != nil {
			return Wrong, err
		}
		f := storage.Factor{ID: storage.NewID(), UserID: e.UserID, Kind: string(s.Kind), Secret: []byte(p.Target)}
		if err := tx.InsertFactor(ctx, f, 0, e.At); err != nil || s.Kind != policy.SMS {
			return Accepted, err
		}
		return Accepted, tx.SetPhone(ctx, e.UserID, p.Target, e.At)
	})
}

// Target is where a person's codes go: the enrolled number, or the confirmed
// address. Empty where there is none.
func (s Sent) Target(ctx context.Context, r storage.Reader, u *storage.User) (string, error) {
	if s.Kind == policy.Email {
		return u.Email, nil
	}
	factors, err := r.Factors(ctx, u.ID)
	if err != nil {
		return "", err
	}
	for _, f := range factors {
		if f.Kind == string(s.Kind) {
			return string(f.Secret), nil
		}
	}
	return "", nil
}

// Mask is a target as it may be shown.
func (s Sent) Mask(target string) string {
	if s.Kind == policy.Email {
		return notify.MaskEmail(target)
	}
	return notify.MaskNumber(target)
}

// IsTooMany says whether err is a ceiling on sending, and when there is room
// again.
func IsTooMany(err error) (until time.Time, yes bool) {
	var quota *storage.QuotaError
	if errors.As(err, &quota) {
		return quota.Until, true
	}
	return time.Time{}, false
}
