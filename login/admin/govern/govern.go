// Package govern is what owners and administrators of a company and the
// operator of the instance can do, without saying how they ask for it: the
// console's pages, the JSON API and the command line all call it.
//
// Every operation takes an [Actor]. Whether that actor may is asked in the
// transaction that reads or writes the data, by one table (see rights.go), and
// what was done is written to the audit in the same transaction. Companies,
// people and products are changed through storage/apply, so that a file and a
// form are checked alike and have the same consequences.
package govern

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// Govern does it. Its fields are set once.
type Govern struct {
	DB       *storage.DB
	Sessions *session.Sessions
	Notices  *notify.Notices
	Recovery factor.Recovery
	// MailGoesOut says that a mail server is configured.
	MailGoesOut bool
	// PrepareRotation makes new signing keys, which sign at once or in a while,
	// and returns what puts them in place.
	PrepareRotation func(ctx context.Context, r storage.Reader, now time.Time, atOnce bool) (func(context.Context, *storage.Tx) error, error)
	Now             func() time.Time
	Log             *slog.Logger
}

// errDryRun takes a transaction back after a preview.
var errDryRun = errors.New("preview")

// read lets fn see what by may see of a company ("" for the instance).
func (g *Govern) read(ctx context.Context, by Actor, do Action, org string, fn func(storage.Reader) error) error {
	r := g.reader(ctx)
	by, err := by.now(ctx, r)
	if err != nil {
		return err
	}
	if err := by.may(do, org); err != nil {
		return err
	}
	if org != "" {
		if _, err := r.Org(ctx, org); err != nil {
			return err
		}
	}
	return fn(r)
}

// write lets fn change something of a company ("" for the instance). The
// actor that fn gets is as the transaction sees them: who stopped being an
// owner a moment ago can't act as one.
func (g *Govern) write(ctx context.Context, by Actor, do Action, org string, fn func(*storage.Tx, Actor) error) error {
	return g.transaction(ctx, func(tx *storage.Tx) error {
		by, err := by.now(ctx, tx.Reader)
		if err != nil {
			return err
		}
		if err := by.may(do, org); err != nil {
			return err
		}
		if org != "" {
			if _, err := tx.Org(ctx, org); err != nil {
				return err
			}
		}
		return fn(tx, by)
	})
}

// onPerson is write about one person, who is held.
func (g *Govern) onPerson(ctx context.Context, by Actor, do Action, org, personID string, fn func(*storage.Tx, Actor, *storage.User) error) error {
	return g.write(ctx, by, do, org, func(tx *storage.Tx, by Actor) error {
		u, err := g.target(ctx, tx, by, do, org, personID)
		if err != nil {
			return err
		}
		return fn(tx, by, u)
	})
}

// target is a person of a company whom the actor may do something to.
func (g *Govern) target(ctx context.Context, tx *storage.Tx, by Actor, do Action, org, personID string) (*storage.User, error) {
	if err := tx.HoldUser(ctx, personID); err != nil {
		return nil, err
	}
	u, err := tx.User(ctx, personID)
	if err != nil {
		return nil, err
	}
	if u.OrgID != org {
		return nil, notFound("person")
	}
	return u, by.mayTo(do, u)
}

// apply changes what a file declares, as the actor.
func (g *Govern) apply(ctx context.Context, tx *storage.Tx, by Actor, f apply.File, o apply.Options) (apply.Report, error) {
	o.Now, o.Event = g.Now(), by.event("", "", g.Now())
	return apply.In(ctx, tx, &f, o)
}
