package govern

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/storage"
)

// AuditFilter chooses events. Its conditions hold all at once.
type AuditFilter struct {
	// Person is an address or an id; in a company it may be words of a name or an
	// address, as long as one person has them.
	Person string
	// Product is a client id.
	Product string
	// Event is a name, or the beginning of names up to a dot. Events are names of
	// which one must fit; nil: any.
	Event  string
	Events []string
	// Result is "ok", "refused" or "failed"; empty: any.
	Result string
	// From is the first moment, Until the first after it.
	From, Until time.Time
	// After is the cursor of the page before; Limit is 50 where it is 0, and at
	// most 200.
	After string
	Limit int
}

// ErrManyPeople says that AuditFilter.Person fits several people.
var ErrManyPeople = errors.New("several people have these words in their names or addresses")

// AuditPage is a page of events, newest first.
type AuditPage struct {
	Events []*storage.Event `json:"events"`
	// Next is the After of the page that follows, with older events; empty: there
	// is none.
	Next string `json:"next,omitempty"`
}

// Audit lists what happened in a company; with an empty org, everywhere on the
// instance. The error wraps ErrManyPeople or storage.ErrNoCursor where the
// filter can't be used.
func (g *Govern) Audit(ctx context.Context, by Actor, org string, f AuditFilter) (page AuditPage, err error) {
	page.Events = []*storage.Event{}
	err = g.read(ctx, by, seeAudit(org), org, func(r storage.Reader) error {
		q, found, err := auditQuery(ctx, r, org, f)
		if err != nil || !found {
			return err
		}
		limit := pageLimit(f.Limit)
		q.Limit = limit + 1
		events, err := r.AuditSearch(ctx, q)
		if len(events) > limit {
			events = events[:limit]
			page.Next = events[limit-1].Cursor()
		}
		page.Events = append(page.Events, events...)
		return err
	})
	return page, err
}

func seeAudit(org string) Action {
	if org == "" {
		return SeeInstanceAudit
	}
	return SeeAudit
}

// auditQuery is the filter as storage takes it; found is false where nobody is
// the person it asks for.
func auditQuery(ctx context.Context, r storage.Reader, org string, f AuditFilter) (q storage.AuditQuery, found bool, err error) {
	q = storage.AuditQuery{
		OrgID: org, Everywhere: org == "", ClientID: f.Product, Event: f.Event, Events: f.Events, Result: f.Result, From: f.From, Until: f.Until, Before: f.After,
	}
	if f.Events != nil && len(f.Events) == 0 {
		return q, false, nil
	}
	if f.Person = strings.TrimSpace(f.Person); f.Person == "" {
		return q, true, nil
	}
	q.UserID, err = auditPerson(ctx, r, org, f.Person)
	return q, q.UserID != "", err
}

// auditPerson is the id of whom a filter means; empty: nobody. Who was deleted
// is found by their id.
func auditPerson(ctx context.Context, r storage.Reader, org, person string) (string, error) {
	u, err := r.UserByEmail(ctx, person)
	switch {
	case errors.Is(err, storage.ErrNotFound):
	case err != nil:
		return "", err
	case org == "" || u.OrgID == org:
		return u.ID, nil
	}
	if !strings.ContainsAny(person, "@ ") {
		q := storage.AuditQuery{OrgID: org, Everywhere: org == "", UserID: person, Limit: 1}
		if events, err := r.AuditSearch(ctx, q); err != nil || len(events) > 0 {
			return person, err
		}
	}
	if org == "" {
		return "", nil
	}
	people, err := r.People(ctx, storage.PeopleQuery{OrgID: org, Search: person, Limit: 2})
	switch {
	case err != nil || len(people) == 0:
		return "", err
	case len(people) > 1:
		return "", ErrManyPeople
	}
	return people[0].ID, nil
}

// exportPage is how many events of an export are in memory at once.
const exportPage = 500

// ExportAudit calls fn with page after page of what Audit lists, of any number,
// newest first, once the audit says that it was exported.
func (g *Govern) ExportAudit(ctx context.Context, by Actor, org string, f AuditFilter, fn func([]*storage.Event) error) error {
	var q storage.AuditQuery
	var found bool
	err := g.write(ctx, by, seeAudit(org), org, func(tx *storage.Tx, by Actor) (err error) {
		if q, found, err = auditQuery(ctx, tx.Reader, org, f); err != nil {
			return err
		}
		e := by.event(org, "", g.Now())
		e.Event, e.Reason = "audit.exported", strings.Join(f.words(), ", ")
		return tx.Audit(ctx, e)
	})
	if err != nil || !found {
		return err
	}
	q.Limit = exportPage
	return g.reader(ctx).AuditEach(ctx, q, fn)
}

// words are the conditions of a filter, for the audit: a person by their id
// alone, for addresses outlive nobody there.
func (f AuditFilter) words() (words []string) {
	for _, w := range [][2]string{{"product", f.Product}, {"event", f.Event}, {"result", f.Result}} {
		if w[1] != "" {
			words = append(words, w[0]+" "+w[1])
		}
	}
	if f.Person != "" {
		words = append(words, "of one person")
	}
	if len(f.Events) > 0 {
		words = append(words, "some kinds of events")
	}
	if !f.From.IsZero() {
		words = append(words, "from "+f.From.UTC().Format(time.RFC3339))
	}
	if !f.Until.IsZero() {
		words = append(words, "until "+f.Until.UTC().Format(time.RFC3339))
	}
	return words
}

// AuditChain says how far the audit is sealed against changes.
type AuditChain struct {
	// SealedUpTo is when the last sealed event was written; zero: none yet.
	SealedUpTo time.Time `json:"sealed_up_to,omitzero"`
	// Waiting is how many came after it.
	Waiting int `json:"waiting"`
}

// AuditChain says how far the audit of the instance is sealed.
func (g *Govern) AuditChain(ctx context.Context, by Actor) (c AuditChain, err error) {
	err = g.read(ctx, by, SeeInstanceAudit, "", func(r storage.Reader) error {
		c.SealedUpTo, c.Waiting, err = r.AuditSealed(ctx)
		return err
	})
	return c, err
}

// Names are what the people, products and companies of events are called.
type Names struct {
	people   map[string]storage.Named
	products map[string]string
	orgs     map[string]string
	// of is the company whose audit is read; empty: the instance's.
	of string
}

// NamesIn looks up the names of all that events mention, at once. In a
// company's audit the people of others stay nameless.
func (g *Govern) NamesIn(ctx context.Context, by Actor, org string, events []*storage.Event) (n Names, err error) {
	n = Names{products: make(map[string]string), orgs: make(map[string]string), of: org}
	err = g.read(ctx, by, seeAudit(org), org, func(r storage.Reader) error {
		var ids []string
		for _, e := range events {
			if e.UserID != "" {
				ids = append(ids, e.UserID)
			}
			if e.Actor != "" && e.Actor != commandLine && !strings.HasPrefix(e.Actor, productActor) {
				ids = append(ids, e.Actor)
			}
			if err := n.learnProduct(ctx, r, e.ClientID); err != nil {
				return err
			}
			if id, ok := strings.CutPrefix(e.Actor, productActor); ok {
				if err := n.learnProduct(ctx, r, id); err != nil {
					return err
				}
			}
			if err := n.learnCompany(ctx, r, e.OrgID); err != nil {
				return err
			}
		}
		slices.Sort(ids)
		n.people, err = r.Names(ctx, slices.Compact(ids))
		return err
	})
	return n, err
}

// productActor begins the actor of a machine, before its client id.
const productActor = "product:"

func (n Names) learnProduct(ctx context.Context, r storage.Reader, id string) error {
	if _, known := n.products[id]; known || id == "" {
		return nil
	}
	c, err := r.Client(ctx, id)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		n.products[id] = id // it was deleted
	case err != nil:
		return err
	case c.Internal:
		n.products[id] = ""
	default:
		n.products[id] = c.Name
	}
	return nil
}

func (n Names) learnCompany(ctx context.Context, r storage.Reader, id string) error {
	if _, known := n.orgs[id]; known || id == "" {
		return nil
	}
	o, err := r.Org(ctx, id)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		n.orgs[id] = id
	case err != nil:
		return err
	default:
		n.orgs[id] = o.Name
	}
	return nil
}

// Person is a person's name, or their address where they have none; empty
// where they were deleted. known is false where the reader may not know.
func (n Names) Person(id string) (name string, known bool) {
	p, there := n.people[id]
	switch {
	case !there:
		return "", true
	case n.of != "" && p.OrgID != n.of:
		return "", false
	case p.Name != "":
		return p.Name, true
	}
	return p.Email, true
}

// Product is a product's name; empty for the provider's own pages.
func (n Names) Product(id string) string { return n.products[id] }

// Company is a company's name.
func (n Names) Company(id string) string { return n.orgs[id] }
