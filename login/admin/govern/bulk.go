package govern

import (
	"context"
	"errors"
	"slices"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// BulkAction is something done to several people at once.
type BulkAction string

// The bulk actions.
const (
	// Require demands two-step verification of people, Lift no longer does.
	Require BulkAction = "require"
	Lift    BulkAction = "lift"
	// Remind mails people that they must set up a second factor.
	Remind BulkAction = "remind"
	// Confirm is SendActivation for several.
	Confirm BulkAction = "confirm"
)

func (a BulkAction) known() bool {
	return slices.Contains([]BulkAction{Require, Lift, Remind, Confirm}, a)
}

func (a BulkAction) mails() bool { return a == Remind || a == Confirm }

// ErrNoSuchAction says that a BulkAction isn't one.
var ErrNoSuchAction = errors.New("no such action")

// Chosen are the people of a bulk action: those with the IDs, or where All is
// set everybody whom the Filter finds, however many.
type Chosen struct {
	IDs    []string
	All    bool
	Filter PeopleFilter
}

func (c Chosen) params() taskParams {
	if c.All {
		return taskParams{Filter: c.Filter}
	}
	return taskParams{IDs: c.IDs}
}

// BulkPreview says what a bulk action would do.
type BulkPreview struct {
	// Touched is how many people it changes or writes to, First the first ten of
	// them. Already is how many have it just so.
	Touched int      `json:"touched"`
	Already int      `json:"already"`
	First   []Person `json:"first"`
	// Cannot counts people for whom it can't be done, by the reason; of each
	// reason, CannotFirst has the first ten.
	Cannot      map[Hindrance]int      `json:"cannot"`
	CannotFirst map[Hindrance][]Person `json:"-"`
	// Still is of how many of those touched by Lift the company requires it all
	// the same, StillFirst the first ten of them.
	Still      int      `json:"-"`
	StillFirst []Person `json:"-"`
}

// Hindrance is why a bulk action does nothing for a person.
type Hindrance string

// The hindrances; those called like a Refused.Code are that.
const (
	// HindranceDisabled: disabled people get no mail.
	HindranceDisabled Hindrance = "disabled"
	// HindranceUnconfirmed: a reminder goes to confirmed addresses only.
	HindranceUnconfirmed Hindrance = "unconfirmed"
	// HindranceRole: the actor may not touch people of that role.
	HindranceRole Hindrance = "person_role"
	// HindranceOther is any other refusal.
	HindranceOther Hindrance = "refused"
)

// verdict is what a bulk action means for one person: it touches them, or
// nothing is to be done, or something is in the way.
type verdict struct {
	already bool
	cannot  Hindrance
}

func (v verdict) touches() bool { return !v.already && v.cannot == "" }

// judge says what a bulk action means for a person of a company.
func (a BulkAction) judge(by Actor, u *storage.User, c policy.Company) verdict {
	if refused, ok := errors.AsType[*Refused](by.mayTo(ChangePeople, u)); ok {
		if refused.Code == "person_role" {
			return verdict{cannot: HindranceRole}
		}
		return verdict{cannot: HindranceOther}
	}
	switch a {
	case Require:
		return verdict{already: u.TwoStepRequired}
	case Lift:
		if by.liftsOwn(u, false) {
			return verdict{cannot: HindranceOther}
		}
		return verdict{already: !u.TwoStepRequired}
	case Remind:
		person := session.PolicyPerson(&storage.SignedIn{User: *u, Methods: u.SecondFactors})
		if policy.TwoFactorState(person, c) != policy.StatePending {
			return verdict{already: true}
		}
	case Confirm:
		if u.EmailVerified && u.PasswordHash != "" {
			return verdict{already: true}
		}
	}
	switch {
	case !u.DisabledAt.IsZero():
		return verdict{cannot: HindranceDisabled}
	case a == Remind && !u.EmailVerified:
		return verdict{cannot: HindranceUnconfirmed}
	}
	return verdict{}
}

// PreviewBulk says what Bulk would do.
func (g *Govern) PreviewBulk(ctx context.Context, by Actor, org string, do BulkAction, who Chosen) (p BulkPreview, err error) {
	p = BulkPreview{First: []Person{}, Cannot: make(map[Hindrance]int), CannotFirst: make(map[Hindrance][]Person)}
	if !do.known() {
		return p, ErrNoSuchAction
	}
	err = g.read(ctx, by, ChangePeople, org, func(r storage.Reader) error {
		if by, err = by.now(ctx, r); err != nil {
			return err
		}
		if err := g.mailable(do); err != nil {
			return err
		}
		c, err := g.company(ctx, r, org)
		if err != nil {
			return err
		}
		return g.everyOne(ctx, r, org, who.params(), func(u *storage.User) {
			switch v := do.judge(by, u, c); {
			case v.already:
				p.Already++
			case v.cannot != "":
				p.Cannot[v.cannot]++
				p.CannotFirst[v.cannot] = firstTen(p.CannotFirst[v.cannot], u, c)
			default:
				p.Touched++
				p.First = firstTen(p.First, u, c)
				if do == Lift && requires(c, u) {
					p.Still++
					p.StillFirst = firstTen(p.StillFirst, u, c)
				}
			}
		})
	})
	return p, err
}

// requires says whether a company requires two-step verification of somebody,
// whatever they want themselves and anybody wants of them.
func requires(c policy.Company, u *storage.User) bool {
	return policy.TwoFactorState(policy.Person{Kind: u.Kind, Role: u.Role}, c) == policy.StatePending
}

func firstTen(all []Person, u *storage.User, c policy.Company) []Person {
	if len(all) == 10 {
		return all
	}
	return append(all, personOf(u, c))
}

func (g *Govern) mailable(do BulkAction) error {
	if do.mails() && !g.MailGoesOut {
		return &Refused{Code: "no_mail", Action: ChangePeople}
	}
	return nil
}

// everyOne goes through chosen people. Those who aren't of the company are
// passed over, as are ids of nobody.
func (g *Govern) everyOne(ctx context.Context, r storage.Reader, org string, p taskParams, visit func(*storage.User)) error {
	var q storage.PeopleQuery
	if p.IDs == nil {
		var err error
		if q, _, err = g.peopleQuery(ctx, r, org, p.Filter); err != nil {
			return err
		}
	}
	for cursor := ""; ; {
		var people []*storage.User
		var next string
		var err error
		if p.IDs != nil {
			people, next, err = peopleByID(ctx, r, org, p.IDs, cursor, pageMost)
		} else {
			q.After = cursor
			people, next, err = pageOf(ctx, r, q, pageMost)
		}
		if err != nil {
			return err
		}
		for _, u := range people {
			visit(u)
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}

// nextPeople are the people after a cursor, and the cursor of those that
// follow; empty: there are no more.
func (g *Govern) nextPeople(ctx context.Context, r storage.Reader, org string, p taskParams, cursor string, limit int) (people []*storage.User, next string, err error) {
	if p.IDs != nil {
		return peopleByID(ctx, r, org, p.IDs, cursor, limit)
	}
	p.Filter.After = cursor
	q, _, err := g.peopleQuery(ctx, r, org, p.Filter)
	if err != nil {
		return nil, "", err
	}
	return pageOf(ctx, r, q, limit)
}

// pageOf is a page of the people a query chooses, and where the next begins;
// empty: there is none.
func pageOf(ctx context.Context, r storage.Reader, q storage.PeopleQuery, limit int) (people []*storage.User, next string, err error) {
	q.Limit = limit
	people, err = r.People(ctx, q)
	if err == nil && len(people) == limit {
		next = people[limit-1].Email
	}
	return people, next, err
}

// peopleByID are the people of a company with some ids, in the order of these.
func peopleByID(ctx context.Context, r storage.Reader, org string, ids []string, cursor string, limit int) (people []*storage.User, next string, err error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	from, found := slices.BinarySearch(ids, cursor)
	if found {
		from++
	}
	ids = ids[from:]
	if len(ids) > limit {
		ids, next = ids[:limit], ids[limit-1]
	}
	for _, id := range ids {
		u, err := r.User(ctx, id)
		if errors.Is(err, storage.ErrNotFound) || err == nil && u.OrgID != org {
			continue
		}
		if err != nil {
			return nil, "", err
		}
		people = append(people, u)
	}
	return people, next, nil
}

// Bulked is what Bulk did: for how many, or by which task it is going on.
type Bulked struct {
	Done   int    `json:"done"`
	TaskID string `json:"task_id,omitempty"`
}

// bulkAtOnce is how many people are seen to before Bulk returns; for more there
// is a task.
const bulkAtOnce = 200

// Bulk does something to several people: to a few at once, all or nothing, and
// to many by a task. People whom PreviewBulk doesn't count as touched are left
// alone.
func (g *Govern) Bulk(ctx context.Context, by Actor, org string, do BulkAction, who Chosen) (done Bulked, err error) {
	if !do.known() {
		return done, ErrNoSuchAction
	}
	err = g.write(ctx, by, ChangePeople, org, func(tx *storage.Tx, by Actor) error {
		done = Bulked{}
		if err := g.mailable(do); err != nil {
			return err
		}
		people, next, err := g.nextPeople(ctx, tx.Reader, org, who.params(), "", bulkAtOnce)
		if err != nil {
			return err
		}
		if next != "" {
			done.TaskID, err = g.begin(ctx, tx, by, org, string(do), who.params())
			return err
		}
		done.Done, err = g.doTo(ctx, tx, by, org, do, people)
		return err
	})
	return done, err
}

// doTo does something to those of the people whom it touches, and says to how
// many.
func (g *Govern) doTo(ctx context.Context, tx *storage.Tx, by Actor, org string, do BulkAction, people []*storage.User) (int, error) {
	c, err := g.company(ctx, tx.Reader, org)
	if err != nil {
		return 0, err
	}
	touched, err := g.heldFor(ctx, tx, by, org, do, people, c)
	if err != nil || len(touched) == 0 {
		return 0, err
	}
	if do == Require || do == Lift {
		var f apply.File
		for _, u := range touched {
			f.People = append(f.People, apply.Person{Email: u.Email, Kind: u.Kind, Role: u.Role, RequireTwoStep: do == Require}.Only("require_two_step"))
		}
		_, err := g.apply(ctx, tx, by, f, apply.Options{OnlyThere: true})
		return len(touched), err
	}
	for _, u := range touched {
		switch {
		case do == Remind:
			err = g.remind(ctx, tx, by, u, c)
		case u.PasswordHash == "":
			_, err = g.invite(ctx, tx, by, u)
		default:
			err = g.sendConfirmation(ctx, tx, by, u)
		}
		if err != nil {
			return 0, err
		}
	}
	return len(touched), nil
}

// heldFor are those of the people whom an action touches, as they are once
// nobody else can change them.
func (g *Govern) heldFor(ctx context.Context, tx *storage.Tx, by Actor, org string, do BulkAction, people []*storage.User, c policy.Company) (touched []*storage.User, err error) {
	ids := make([]string, len(people))
	for i, u := range people {
		ids[i] = u.ID
	}
	if err := hold(ctx, tx, ids); err != nil {
		return nil, err
	}
	for _, id := range ids {
		u, err := tx.User(ctx, id)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if u.OrgID == org && do.judge(by, u, c).touches() {
			touched = append(touched, u)
		}
	}
	return touched, nil
}

// hold holds people in the order of their ids, as everybody does who holds
// several; who is gone meanwhile is passed over.
func hold(ctx context.Context, tx *storage.Tx, ids []string) error {
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		if err := tx.HoldUser(ctx, id); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
	}
	return nil
}
