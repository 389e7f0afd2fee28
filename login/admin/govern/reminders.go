package govern

import (
	"context"
	"math"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// SendReminder mails a person that they must set up a second factor.
func (g *Govern) SendReminder(ctx context.Context, by Actor, org, id string) error {
	return g.onPerson(ctx, by, ChangePeople, org, id, func(tx *storage.Tx, by Actor, u *storage.User) error {
		if err := g.mailable(Remind); err != nil {
			return err
		}
		c, err := g.company(ctx, tx.Reader, org)
		if err != nil {
			return err
		}
		switch v := Remind.judge(by, u, c); {
		case v.already:
			return &Refused{Code: "not_pending", Action: ChangePeople}
		case v.cannot != "":
			return &Refused{Code: string(v.cannot), Action: ChangePeople}
		}
		return g.remind(ctx, tx, by, u, c)
	})
}

func (g *Govern) remind(ctx context.Context, tx *storage.Tx, by Actor, u *storage.User, c policy.Company) error {
	if err := g.Notices.Remind(ctx, tx, u, c.Name); err != nil {
		return err
	}
	return tx.Audit(ctx, by.did("reminder.sent", u, g.Now()))
}

// peopleJob is a bulk action as a task: a step does it to the next hundred
// people, as they are by then.
type peopleJob struct {
	do  BulkAction
	may Action
}

func (j peopleJob) needs() Action { return j.may }

// of are the people of the task: who must set up a second factor, where
// nobody was chosen.
func (j peopleJob) of(p taskParams) taskParams {
	if j.do == Remind && p.IDs == nil && p.Filter.TwoFactor == "" {
		p.Filter.TwoFactor = policy.StatePending // nobody else is reminded
	}
	return p
}

// total is an estimate where a filter chooses: who turns out to need nothing is
// taken off in the end.
func (j peopleJob) total(ctx context.Context, g *Govern, r storage.Reader, by Actor, org string, p taskParams) (n int, err error) {
	if p.IDs == nil {
		q, _, err := g.peopleQuery(ctx, r, org, j.of(p).Filter)
		if err != nil {
			return 0, err
		}
		q.Limit = math.MaxInt32
		return r.CountPeople(ctx, q)
	}
	c, err := g.company(ctx, r, org)
	if err != nil {
		return 0, err
	}
	err = g.everyOne(ctx, r, org, p, func(u *storage.User) {
		if j.do.judge(by, u, c).touches() {
			n++
		}
	})
	return n, err
}

func (j peopleJob) step(ctx context.Context, g *Govern, tx *storage.Tx, by Actor, t *storage.Task, p taskParams) (finished bool, err error) {
	people, next, err := g.nextPeople(ctx, tx.Reader, t.OrgID, j.of(p), t.Cursor, stepSize)
	if err != nil {
		return false, err
	}
	done, err := g.doTo(ctx, tx, by, t.OrgID, j.do, people)
	if err != nil {
		return false, err
	}
	t.Done += done
	if t.Cursor = next; next != "" {
		t.Total = max(t.Total, t.Done)
		return false, nil
	}
	t.Total = t.Done // for the others there is nothing to do any more
	return true, nil
}
