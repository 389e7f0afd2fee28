package govern

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// Delivery is how one kind of message gets out.
type Delivery struct {
	// Kind is "mail", "text" or "logout".
	Kind string `json:"kind"`
	// Configured: there is a carrier. Via says which.
	Configured bool   `json:"configured"`
	Via        string `json:"via,omitempty"`
	Waiting    int    `json:"waiting"`
	Failed     int    `json:"failed"`
	// Oldest is since when the oldest waits; zero: none does.
	Oldest    time.Time `json:"oldest,omitzero"`
	LastError string    `json:"last_error,omitempty"`
}

// GivenUp is a message that wasn't delivered.
type GivenUp struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	// To is a client id, or a masked address.
	To        string    `json:"to"`
	Error     string    `json:"error"`
	Tries     int       `json:"tries"`
	CreatedAt time.Time `json:"created_at"`
	LastTryAt time.Time `json:"last_try_at"`
	// Retry says that it can be sent again; what came too late, and codes, can't.
	Retry bool `json:"retry"`
}

// Delivery says how each kind of message gets out.
func (g *Govern) Delivery(ctx context.Context, by Actor) (all []Delivery, err error) {
	err = g.read(ctx, by, SeeDelivery, "", func(r storage.Reader) error {
		outbox, err := r.Outbox(ctx)
		if err != nil {
			return err
		}
		all = []Delivery{
			{Kind: storage.OutgoingMail, Configured: g.MailGoesOut, Via: via(g.Notices.Mail)},
			{Kind: storage.OutgoingText, Configured: g.Notices.Text != nil, Via: via(g.Notices.Text)},
			{Kind: storage.OutgoingLogout, Configured: true},
		}
		for i := range all {
			for _, w := range outbox {
				if d := &all[i]; w.Kind == d.Kind {
					d.Waiting, d.Failed, d.Oldest, d.LastError = w.Queued, w.Failed, w.OldestQueued, w.LastError
				}
			}
		}
		return nil
	})
	return all, err
}

// via names a carrier, where it says its name.
func via(carrier any) string {
	if named, ok := carrier.(fmt.Stringer); ok {
		return named.String()
	}
	return ""
}

// GivenUpPage is a page of messages that were given up, newest first.
type GivenUpPage struct {
	Messages []GivenUp `json:"messages"`
	// Next is the id to go on after; empty: there is no more.
	Next string `json:"next,omitempty"`
}

// GivenUp lists the messages that were given up.
func (g *Govern) GivenUp(ctx context.Context, by Actor, after string, limit int) (page GivenUpPage, err error) {
	page.Messages = []GivenUp{}
	err = g.read(ctx, by, SeeDelivery, "", func(r storage.Reader) error {
		limit := pageLimit(limit)
		found, err := r.GivenUp(ctx, after, limit+1)
		if len(found) > limit {
			found = found[:limit]
			page.Next = found[limit-1].ID
		}
		for _, m := range found {
			page.Messages = append(page.Messages, GivenUp{
				ID: m.ID, Kind: m.Kind, To: m.Target, Error: m.Error, Tries: m.Tries, CreatedAt: m.CreatedAt, LastTryAt: m.Last, Retry: m.Kept,
			})
		}
		return err
	})
	return page, err
}

// RetryMessage sends a message again that was given up. The error wraps
// storage.ErrSpent where that can't be.
func (g *Govern) RetryMessage(ctx context.Context, by Actor, id string) error {
	return g.onMessage(ctx, by, "delivery.retried", func(tx *storage.Tx) (string, string, error) { return tx.RetryMessage(ctx, id, g.Now()) })
}

// DropMessage forgets a message that was given up.
func (g *Govern) DropMessage(ctx context.Context, by Actor, id string) error {
	return g.onMessage(ctx, by, "delivery.dropped", func(tx *storage.Tx) (string, string, error) { return tx.DropMessage(ctx, id) })
}

func (g *Govern) onMessage(ctx context.Context, by Actor, event string, do func(*storage.Tx) (kind, target string, err error)) error {
	return g.write(ctx, by, ChangeDelivery, "", func(tx *storage.Tx, by Actor) error {
		kind, target, err := do(tx)
		if err != nil {
			return err
		}
		return g.auditDelivery(ctx, tx, by, event, kind, target)
	})
}

func (g *Govern) auditDelivery(ctx context.Context, tx *storage.Tx, by Actor, event, kind, target string) error {
	e := by.event("", "", g.Now())
	e.Event, e.Reason = event, kind+" to "+target
	if kind == storage.OutgoingLogout {
		e.ClientID = target
	}
	return tx.Audit(ctx, e)
}

// SendTest queues a message that says it is a test, by mail or text, in a
// language. The error is *apply.Problems with the fields kind and to.
func (g *Govern) SendTest(ctx context.Context, by Actor, kind, to, lang string) error {
	return g.write(ctx, by, ChangeDelivery, "", func(tx *storage.Tx, by Actor) (err error) {
		var target string
		switch {
		case kind == storage.OutgoingMail && g.MailGoesOut:
			if err := apply.CheckEmail("to", to); err != nil {
				return err
			}
			target, err = g.Notices.MailTest(ctx, tx, to, lang)
		case kind == storage.OutgoingText && g.Notices.Text != nil:
			target, err = g.Notices.TextTest(ctx, tx, to, lang)
			if errors.Is(err, notify.ErrNumberFormat) {
				return fieldProblem("to", apply.CodeForm, "is no phone number with its country", "write one such as +41791234567")
			}
		default:
			return fieldProblem("kind", apply.CodeNotAllowed, "is no kind of message that goes out here", "choose another, or set up a carrier")
		}
		if err != nil {
			return err
		}
		return g.auditDelivery(ctx, tx, by, "delivery.test_sent", kind, target)
	})
}
