package govern

import (
	"context"
	"errors"
	"fmt"

	"github.com/sallyport-id/sallyport/storage"
)

// Rights are what an actor may do at this moment, for pages that offer no more
// than that. Each operation asks anew.
type Rights struct{ by Actor }

// Rights looks up what an actor may do.
func (g *Govern) Rights(ctx context.Context, by Actor) (Rights, error) {
	by, err := by.now(ctx, g.DB.Reader)
	return Rights{by}, err
}

// May says whether the actor may do something in a company, or with the
// instance where org is empty; a second factor may have to be proved anew.
func (r Rights) May(do Action, org string) bool { return offered(r.by.may(do, org)) }

// MayTo says whether the actor may do something to a person of a company.
func (r Rights) MayTo(do Action, org string, p Person) bool {
	u := storage.User{ID: p.ID, OrgID: org, Role: p.Role, Operator: p.Operator}
	return r.May(do, org) && offered(r.by.mayTo(do, &u))
}

// Standing is what an actor is by now: it changes when they get another role or
// company, or when another product takes the place of a machine.
func (g *Govern) Standing(ctx context.Context, by Actor) (string, error) {
	r := g.reader(ctx)
	by, err := by.now(ctx, r)
	if err != nil {
		return "", err
	}
	if by.machine() {
		c, err := r.Client(ctx, by.ClientID)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("machine of %q since %d", by.OrgID, c.CreatedAt.UnixMilli()), nil
	}
	return fmt.Sprintf("%s of %q, operator %t", by.role, by.OrgID, by.operator), nil
}

func offered(err error) bool { return err == nil || errors.Is(err, ErrNotFresh) }

// Ask returns what keeps the actor from doing something to a person (or, with
// an empty id, in a company), ErrNotFresh included: what a page asks before it
// shows a form that does it.
func (g *Govern) Ask(ctx context.Context, by Actor, do Action, org, personID string) error {
	return g.read(ctx, by, do, org, func(r storage.Reader) error {
		if personID == "" {
			return nil
		}
		u, _, err := g.personIn(ctx, r, org, personID)
		if err != nil {
			return err
		}
		by, err := by.now(ctx, r)
		if err != nil {
			return err
		}
		return by.mayTo(do, u)
	})
}
