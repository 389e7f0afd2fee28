// Package apply brings companies, people and products to the state that a YAML file declares: File says what can be
// written, Parse reads it, Apply carries it out. The command line, the demo and the tests all use it, so that there is
// one way to say what exists.
//
// It guarantees that a file is applied whole or not at all, that applying it again changes nothing, that nothing goes
// which the file doesn't say should go, and that whoever loses access loses it at once. Every mistake is reported, not
// just the first. Secrets are stored as hashes, and never printed.
package apply

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport-id/sallyport/storage"
)

// Options are what Apply needs beside the file.
type Options struct {
	// DryRun does everything and takes it back.
	DryRun bool
	// PlanOnly looks at everything and writes nothing: the report says what would be done, as far as that shows
	// before it is tried.
	PlanOnly bool
	Now      time.Time
	// Actor is who does it, for the audit; "command line" where it is empty.
	Actor string
	// Event is what else the audit says of whoever does it: ClientID, IP, RequestID; and Actor, unless the one above is
	// set. What was done to whom is filled in.
	Event storage.Event
	// Registration is the registration access token (RFC 7592), by its hash, in whose name products change or are new; empty:
	// the operator does it, who takes over what registered itself. ErrTakenOver where a product isn't that token's any more.
	Registration string
	// HashOK says whether a password hash is of a kind that can be verified; nil: they are taken unchecked.
	HashOK func(hash string) error
	// SetUpLink makes a link by which a person chooses their password, or returns "" as long as an earlier one works. It
	// is needed for files that ask for some.
	SetUpLink func(ctx context.Context, tx *storage.Tx, userID string, now time.Time) (url string, err error)
	// OnlyNew refuses entries that are there already, and OnlyThere those that aren't.
	OnlyNew, OnlyThere bool
}

// ErrTakenOver says that a product is no longer managed by the one who registered it.
var ErrTakenOver = errors.New("the operator manages this product now")

// errDryRun takes everything back.
var errDryRun = errors.New("dry run")

// Apply brings the database to the state the file declares, in one transaction. The error is *Problems where the file
// and the database together make no sense.
func Apply(ctx context.Context, db *storage.DB, f *File, o Options) (Report, error) {
	var report Report
	err := db.Write(ctx, func(tx *storage.Tx) (err error) {
		if report, err = In(ctx, tx, f, o); err == nil && o.DryRun {
			return errDryRun
		}
		return err
	})
	if o.DryRun && errors.Is(err, errDryRun) {
		err = nil
	}
	return report, err
}

// In is Apply as a part of a transaction. With Options.DryRun the caller takes the transaction back.
func In(ctx context.Context, tx *storage.Tx, f *File, o Options) (Report, error) {
	o.Actor = cmp.Or(o.Actor, o.Event.Actor, "command line")
	o.Now = o.Now.UTC().Truncate(time.Millisecond) // what is stored has no more
	a := &applying{ctx: ctx, tx: tx, file: f, Options: o, problems: &Problems{File: f.name}}
	if err := a.run(); err != nil {
		return Report{}, err
	}
	a.report.DryRun = o.DryRun
	return a.report, nil
}

// applying is one run of Apply: first all is looked at, then, if there is no mistake, all is done.
type applying struct {
	Options
	ctx      context.Context
	tx       *storage.Tx
	file     *File
	problems *Problems
	report   Report
	events   []storage.Event

	// companies and products are those there will be, by id; had those there were.
	companies   map[string]*storage.Org
	products    map[string]*storage.Client
	hadProducts map[string]*storage.Client
	// people are those who change, by id.
	people map[string]*personChange
	// held and heldProducts are the ids of the people and products whose rows are kept as they are until the end.
	held, heldProducts map[string]bool

	// first ends what must end, while products are still registered where they are told of it; then changes are written;
	// last go companies, which nobody belongs to any more.
	first, then, last []func() error
	// checks are of companies together with products, which are planned after them.
	checks []func()
}

// personChange is a person before and after; nil: not there.
type personChange struct {
	was, is *storage.User
	source  source
}

func (a *applying) run() error {
	for _, step := range []func() error{a.hold, a.load, a.planCompanies, a.planProducts, a.checkCompanies, a.planPeople, a.planLeaving, a.checkOwners} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := a.problems.orNil(); err != nil || a.PlanOnly {
		return err
	}
	for _, do := range slices.Concat(a.first, a.then, a.last) {
		if err := do(); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(a.events, eventsAtOnce) {
		if err := a.tx.Audit(a.ctx, some...); err != nil {
			return err
		}
	}
	return nil
}

// eventsAtOnce bounds a statement: neither engine takes any number of arguments.
const eventsAtOnce = 500

func (a *applying) checkCompanies() error {
	for _, check := range a.checks {
		check()
	}
	return nil
}

func (a *applying) load() error {
	orgs, err := a.tx.OrgsNow(a.ctx)
	if err != nil {
		return err
	}
	clients, err := a.tx.ClientsNow(a.ctx)
	if err != nil {
		return err
	}
	a.companies, a.products = make(map[string]*storage.Org), make(map[string]*storage.Client)
	a.hadProducts, a.people = make(map[string]*storage.Client), make(map[string]*personChange)
	for _, o := range orgs {
		a.companies[o.ID] = o
	}
	for _, c := range clients {
		a.products[c.ID], a.hadProducts[c.ID] = c, c
	}
	return nil
}

// checker reports problems of an entry.
func (a *applying) checker(s source) checker {
	return checker{problems: a.problems, path: s.path, lines: a.file.lines}
}

// note reports a change and writes it into the audit.
func (a *applying) note(c Change, e storage.Event) {
	a.report.Changes = append(a.report.Changes, c)
	if c.Action == Unchanged {
		return
	}
	a.audit(c.event(), c.reason(), e)
}

// audit writes what was done to whom into the audit, with who did it and from where.
func (a *applying) audit(event, reason string, to storage.Event) {
	e := a.Event
	e.At, e.Event, e.Result, e.Actor, e.Reason = a.Now, event, storage.OK, a.Actor, reason
	e.UserID, e.OrgID, e.ClientID = to.UserID, to.OrgID, cmp.Or(to.ClientID, e.ClientID)
	a.events = append(a.events, e)
}

// goOn says whether there is something to do about an entry, and refuses those that should be new and aren't, or should
// be there and aren't.
func (a *applying) goOn(c checker, noun, key string, there, remove bool) bool {
	switch {
	case a.OnlyNew && there:
		c.refuseAs(CodeTaken, "", fmt.Sprintf("%s %s is there already", noun, key), "choose another, or change it with sallyport apply")
		return false
	case a.OnlyThere && !there:
		list := map[string]string{"product": "client", "person": "user"}[noun]
		c.refuseAs(CodeUnknown, "", fmt.Sprintf("there is no %s %s", noun, key), "see sallyport "+list+" list")
		return false
	}
	return there || !remove // what is to go may be gone
}
