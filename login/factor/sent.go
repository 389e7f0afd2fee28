package factor

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
)

// Sent is a factor whose codes are sent: by text message (policy.SMS) or by
// e-mail (policy.Email). Each code has 6 digits, is kept as a keyed hash bound
// to the person and the sign-in or session it is for, works once and only as
// long as no newer one was made, and for a short time from the moment its
// carrier accepted it.
type Sent struct {
	Kind    policy.Method
	Notices *notify.Notices
	// Validity is how long a code works once it is accepted for delivery.
	Validity time.Duration
	// Domain is the provider's host without port, for browsers that fill in a
	// code.
	Domain string
	// CompanyDaily is how many codes may be sent for one company a day; 0: no
	// ceiling.
	CompanyDaily int
	// ExemptFrom are networks without a ceiling per address.
	ExemptFrom []netip.Prefix
}

// How often codes are sent.
const (
	// ResendAfter is how long a person waits before another code can be sent.
	ResendAfter = 30 * time.Second

	perTargetHour = 10
	perTargetDay  = 30
	perIPHour     = 30
)

// sendWithin is how long a code waits for its carrier before it isn't worth
// sending any more.
const sendWithin = time.Minute

// Method implements [Factor].
func (s Sent) Method() policy.Method { return s.Kind }

// Request is a wish to have a code sent.
type Request struct {
	User    *storage.User
	BoundTo string
	// Target is the number (E.164) or address it goes to.
	Target string
	// From is where the wish came from.
	From netip.Addr
	// Validity is what the person's company says about it; zero: Sent.Validity.
	Validity time.Duration
	At       time.Time
}

// Send makes a code in place of an earlier one and queues it. The message's id
// is for notify.Notices.DeliverNow once the transaction is committed. The error
// is *storage.QuotaError where too many were sent.
func (s Sent) Send(ctx context.Context, tx *storage.Tx, r Request) (messageID string, err error) {
	if err := tx.TakeQuotas(ctx, s.quotas(r), r.At); err != nil {
		return "", err
	}
	code, validity := sixRandomDigits(), cmp.Or(r.Validity, s.Validity)
	sent := storage.SentCode{
		BoundTo: r.BoundTo, Kind: string(s.Kind), ID: storage.NewID(), UserID: r.User.ID, Hash: s.hash(tx, r.BoundTo, r.User.ID, code), Gap: s.gap(r.Target),
		Validity: validity, CreatedAt: r.At, ExpiresAt: r.At.Add(sendWithin + validity),
	}
	if err := tx.PutSentCode(ctx, sent); err != nil {
		return "", err
	}
	c := notify.Code{ID: sent.ID, Code: code, Until: r.At.Add(sendWithin), From: r.From.String()}
	if s.Kind == policy.SMS {
		return s.Notices.TextCode(ctx, tx, r.User, r.Target, s.Domain, c)
	}
	return s.Notices.MailCode(ctx, tx, r.User, r.Target, c)
}

// Deliver hands a queued code over at once: somebody waits for it.
func (s Sent) Deliver(ctx context.Context, messageID string) error {
	kind := storage.OutgoingMail
	if s.Kind == policy.SMS {
		kind = storage.OutgoingText
	}
	return s.Notices.DeliverNow(ctx, kind, messageID)
}

// quotas are the ceilings on sending: per target, per address of who asks, and
// per company.
func (s Sent) quotas(r Request) []storage.Quota {
	target := s.quotaOf(r.Target)
	all := []storage.Quota{
		{ID: s.gap(r.Target), Max: 1, Window: ResendAfter},
		{ID: target + ":hour", Max: perTargetHour, Window: time.Hour},
		{ID: target + ":day", Max: perTargetDay, Window: 24 * time.Hour},
	}
	if from, counts := s.Caller(r.From); counts {
		all = append(all, storage.Quota{ID: "send:from:" + from, Max: perIPHour, Window: time.Hour})
	}
	if s.Kind == policy.SMS && s.CompanyDaily > 0 {
		all = append(all, storage.Quota{ID: "send:company:" + r.User.OrgID, Max: s.CompanyDaily, Window: 24 * time.Hour})
	}
	return all
}

// Caller is by what ceilings per address count: the address, or the /64 of an
// IPv6 one, as everybody has many of those. It doesn't count from nowhere and
// from networks that are exempt.
func (s Sent) Caller(from netip.Addr) (name string, counts bool) {
	from = from.Unmap()
	if !from.IsValid() || slices.ContainsFunc(s.ExemptFrom, func(p netip.Prefix) bool { return p.Contains(from) }) {
		return "", false
	}
	if from.Is6() {
		return netip.PrefixFrom(from.WithZone(""), 64).Masked().String(), true
	}
	return from.String(), true
}

func (s Sent) quotaOf(target string) string {
	return "send:" + string(s.Kind) + ":" + s.Notices.DB.KeyedHash("quota", target)
}

// gap is the quota between two codes. A code that was used frees it: who has
// just set a number up can sign in with it at once.
func (s Sent) gap(target string) string { return s.quotaOf(target) + ":gap" }

// Check implements [Factor].
func (s Sent) Check(ctx context.Context, tx *storage.Tx, e Entry) (Outcome, error) {
	hash := s.hash(tx, e.BoundTo, e.UserID, e.Code)
	err := tx.SpendSentCode(ctx, e.BoundTo, string(s.Kind), e.UserID, hash, e.At)
	if err == nil {
		return Accepted, tx.UseFactor(ctx, e.UserID, string(s.Kind), e.At)
	}
	if !errors.Is(err, storage.ErrSpent) {
		return Wrong, err
	}
	newest, err := tx.SentCode(ctx, e.BoundTo, string(s.Kind))
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return Wrong, nil
	case err != nil:
		return Wrong, err
	case newest.Hash != hash || newest.UserID != e.UserID:
		return Wrong, nil
	case !newest.UsedAt.IsZero():
		return Used, nil
	}
	return Expired, nil
}

func (s Sent) hash(tx *storage.Tx, boundTo, userID, code string) string {
	return tx.KeyedHash("sent code", string(s.Kind), boundTo, userID, code)
}

func sixRandomDigits() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return fmt.Sprintf("%06d", n)
}
