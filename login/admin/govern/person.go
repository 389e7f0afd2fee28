package govern

import (
	"context"
	"slices"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// PersonDetails is all there is to see of a person.
type PersonDetails struct {
	Person
	// Demands are those at every sign-in from where the actor is, to the
	// person's own account: who wants how much, and since when.
	Demands []policy.Demand `json:"-"`
	Factors []Factor        `json:"factors"`
	// BackupCodesLeft of BackupCodesOf weren't used; none were ever made where
	// both are 0.
	BackupCodesLeft int       `json:"backup_codes_left"`
	BackupCodesOf   int       `json:"backup_codes_of"`
	Sessions        []Session `json:"sessions"`
	// Products are those open to the person, with the roles there are.
	Products        []OpenProduct `json:"products"`
	DisabledAt      time.Time     `json:"disabled_at,omitzero"`
	ChangesLockedAt time.Time     `json:"changes_locked_at,omitzero"`
}

// Factor is a second factor, without what proves it.
type Factor struct {
	ID       string `json:"id"`
	Method   string `json:"method"`
	Name     string `json:"name,omitempty"`
	Hardware bool   `json:"hardware,omitempty"`
	Synced   bool   `json:"synced,omitempty"`
	// Counts: the company allows the method.
	Counts     bool      `json:"counts"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
}

// OpenProduct is a product that a person may use.
type OpenProduct struct {
	ID    string     `json:"id"`
	Name  string     `json:"name"`
	Roles []OpenRole `json:"roles"`
}

// OpenRole is a role of a product. ByKind: everybody of the person's kind has
// it.
type OpenRole struct {
	ID     string `json:"id"`
	Name   string `json:"name,omitempty"`
	ByKind bool   `json:"by_kind,omitempty"`
}

// Session is a browser in which a person is signed in.
type Session struct {
	ID         string    `json:"id"`
	UserAgent  string    `json:"user_agent"`
	Address    string    `json:"address"`
	CreatedAt  time.Time `json:"created_at"`
	LastSeenAt time.Time `json:"last_seen_at"`
}

// Person shows one person of a company.
func (g *Govern) Person(ctx context.Context, by Actor, org, id string) (p PersonDetails, err error) {
	err = g.read(ctx, by, SeePeople, org, func(r storage.Reader) error {
		u, company, err := g.personIn(ctx, r, org, id)
		if err != nil {
			return err
		}
		p.Person, p.DisabledAt, p.ChangesLockedAt = personOf(u, company), u.DisabledAt, u.ChangesLockedAt
		if err := g.demandsOn(ctx, r, u, &p); err != nil {
			return err
		}
		factors, err := r.Factors(ctx, u.ID)
		if err != nil {
			return err
		}
		p.Factors = []Factor{}
		for _, f := range factors {
			p.Factors = append(p.Factors, Factor{
				ID: f.ID, Method: f.Kind, Name: f.Name, Hardware: f.Hardware, Synced: f.Synced, Counts: company.Allows(policy.Method(f.Kind)), CreatedAt: f.CreatedAt, LastUsedAt: f.LastUsedAt,
			})
		}
		if p.BackupCodesLeft, p.BackupCodesOf, err = r.BackupCodes(ctx, u.ID); err != nil {
			return err
		}
		if p.Products, err = openTo(ctx, r, u); err != nil {
			return err
		}
		sessions, err := r.Sessions(ctx, u.ID, policy.ShorterOf(company.Rules.SessionIdle, g.Sessions.Idle), g.Now())
		p.Sessions = []Session{}
		for _, s := range sessions {
			p.Sessions = append(p.Sessions, Session{ID: s.ID, UserAgent: s.UserAgent, Address: s.IP, CreatedAt: s.CreatedAt, LastSeenAt: s.LastSeenAt})
		}
		return err
	})
	return p, err
}

// personIn is a person of a company, with the company as the policy sees it.
func (g *Govern) personIn(ctx context.Context, r storage.Reader, org, id string) (*storage.User, policy.Company, error) {
	u, err := r.User(ctx, id)
	if err == nil && u.OrgID != org {
		err = notFound("person")
	}
	if err != nil {
		return nil, policy.Company{}, err
	}
	company, err := g.company(ctx, r, org)
	return u, company, err
}

func (g *Govern) demandsOn(ctx context.Context, r storage.Reader, u *storage.User, p *PersonDetails) error {
	in, err := r.Person(ctx, u.ID, ownPages)
	if err != nil {
		return err
	}
	client, err := r.Client(ctx, ownPages)
	if err != nil {
		return err
	}
	f, err := g.Sessions.Facts(ctx, session.Asked{Client: client, Person: in, Proofs: policy.Proofs{{Method: policy.Password, At: g.Now()}}})
	p.Demands = policy.Decide(f).Demands
	return err
}

// openTo are the products that a person may use, the provider's own left out.
func openTo(ctx context.Context, r storage.Reader, u *storage.User) ([]OpenProduct, error) {
	clients, err := r.Clients(ctx)
	open := []OpenProduct{}
	for _, c := range clients {
		if c.Internal || c.Org != "" || !session.SignsIn(c.GrantTypes) || session.ProductClosed(c, u) {
			continue
		}
		p := OpenProduct{ID: c.ID, Name: c.Name, Roles: []OpenRole{}}
		for _, role := range c.Roles {
			p.Roles = append(p.Roles, OpenRole{ID: role.ID, Name: role.Name, ByKind: slices.Contains(role.Kinds, u.Kind)})
		}
		open = append(open, p)
	}
	return open, err
}

// ownPages is the client of people's own account, which demands nothing by
// itself.
const ownPages = "sallyport-account"
