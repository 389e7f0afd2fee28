package govern

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// Company is a company as the operator sees it.
type Company struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Plan is the second factors the company may choose from; null: all.
	Plan policy.Plan `json:"plan"`
	// People and Owners are how many there are; owners who are disabled don't
	// count.
	People    int       `json:"people"`
	Owners    int       `json:"owners"`
	CreatedAt time.Time `json:"created_at"`
}

// CompaniesFilter chooses companies.
type CompaniesFilter struct {
	// Search is a part of the name or id, whatever its case.
	Search string
	// After is the id the page before ended with; Limit is 50 where it is 0, and
	// at most 200.
	After string
	Limit int
}

// CompaniesPage is a page of companies, by id.
type CompaniesPage struct {
	Companies []Company `json:"companies"`
	// Next is the After of the page that follows; empty: there is none.
	Next string `json:"next,omitempty"`
	// Total is how many the filter chooses in all.
	Total int `json:"total"`
}

// Companies lists the companies of the instance.
func (g *Govern) Companies(ctx context.Context, by Actor, f CompaniesFilter) (page CompaniesPage, err error) {
	err = g.read(ctx, by, SeeCompanies, "", func(r storage.Reader) error {
		orgs, err := r.OrgsNow(ctx)
		if err != nil {
			return err
		}
		orgs = slices.DeleteFunc(orgs, func(o *storage.Org) bool { return !contains(o.ID, f.Search) && !contains(o.Name, f.Search) })
		page.Total = len(orgs)
		orgs = slices.DeleteFunc(orgs, func(o *storage.Org) bool { return o.ID <= f.After })
		if limit := pageLimit(f.Limit); len(orgs) > limit {
			orgs, page.Next = orgs[:limit], orgs[limit-1].ID
		}
		page.Companies, err = companiesOf(ctx, r, orgs)
		return err
	})
	return page, err
}

func contains(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(strings.TrimSpace(part)))
}

func companiesOf(ctx context.Context, r storage.Reader, orgs []*storage.Org) ([]Company, error) {
	all := make([]Company, len(orgs))
	ids := make([]string, len(orgs))
	for i, o := range orgs {
		ids[i] = o.ID
	}
	sizes, err := r.OrgSizes(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i, o := range orgs {
		c, err := session.CompanyOf(o)
		if err != nil {
			return nil, err
		}
		all[i] = Company{ID: o.ID, Name: o.Name, Plan: c.Plan, People: sizes[o.ID].People, Owners: sizes[o.ID].Owners, CreatedAt: o.CreatedAt}
	}
	return all, nil
}

// Company shows one company.
func (g *Govern) Company(ctx context.Context, by Actor, id string) (c Company, err error) {
	err = g.read(ctx, by, SeeCompanies, id, func(r storage.Reader) error {
		c, err = companyOf(ctx, r, id)
		return err
	})
	return c, err
}

func companyOf(ctx context.Context, r storage.Reader, id string) (Company, error) {
	o, err := r.Org(ctx, id)
	if err != nil {
		return Company{}, err
	}
	all, err := companiesOf(ctx, r, []*storage.Org{o})
	if err != nil {
		return Company{}, err
	}
	return all[0], nil
}

// NewCompany is what CreateCompany takes.
type NewCompany struct {
	ID   string
	Name string
	// Plan as a file has it: empty for all second factors, "none" for none.
	Plan []policy.Method
	// Owner is the address of the first owner, who is added and invited; empty:
	// there will be none for now.
	Owner string
}

// OwnerField is the field of problems with NewCompany.Owner.
const OwnerField = "owner"

// CreateCompany adds a company and its first owner. The error is
// *apply.Problems where fields are wrong.
func (g *Govern) CreateCompany(ctx context.Context, by Actor, n NewCompany) (c Company, err error) {
	err = g.write(ctx, by, ChangeCompanies, "", func(tx *storage.Tx, by Actor) error {
		if err := holdSelf(ctx, tx, by); err != nil {
			return err
		}
		entry := apply.NewCompany()
		entry.ID, entry.Name, entry.Plan = n.ID, n.Name, n.Plan
		wrong := g.tryOwner(n.Owner)
		if _, err := g.apply(ctx, tx, by, apply.File{Companies: []apply.Company{entry}}, apply.Options{OnlyNew: true}); err != nil {
			return joinProblems(err, wrong)
		}
		if wrong != nil {
			return wrong
		}
		if n.Owner != "" {
			if err := g.firstOwner(ctx, tx, by, n); err != nil {
				return err
			}
		}
		c, err = companyOf(ctx, tx.Reader, n.ID)
		return err
	})
	return c, err
}

func (g *Govern) tryOwner(address string) error {
	if address == "" {
		return nil
	}
	return apply.CheckEmail(OwnerField, address)
}

// firstOwner adds the owner of a new company, and invites them where mail goes
// out.
func (g *Govern) firstOwner(ctx context.Context, tx *storage.Tx, by Actor, n NewCompany) error {
	owner := apply.NewPerson()
	owner.Email, owner.Company, owner.Role = n.Owner, n.ID, policy.Owner
	if _, err := g.apply(ctx, tx, by, apply.File{People: []apply.Person{owner}}, apply.Options{OnlyNew: true}); err != nil {
		return renameField(err, "", OwnerField)
	}
	u, err := tx.UserByEmail(ctx, n.Owner)
	if err != nil || !g.MailGoesOut {
		return err
	}
	_, err = g.invite(ctx, tx, by, u)
	return err
}

// ChangeCompany changes the fields of a company that are named, as a file
// would: name and plan. A plan that leaves no second factor to those who must
// use one is refused.
func (g *Govern) ChangeCompany(ctx context.Context, by Actor, entry apply.Company, fields ...string) (c Company, err error) {
	err = g.write(ctx, by, ChangeCompanies, entry.ID, func(tx *storage.Tx, by Actor) error {
		for _, field := range fields {
			if field != "name" && field != "plan" {
				return &Refused{Code: "operator", Action: ChangeCompanies}
			}
		}
		if _, err := g.apply(ctx, tx, by, apply.File{Companies: []apply.Company{entry.Only(fields...)}}, apply.Options{OnlyThere: true}); err != nil {
			return err
		}
		c, err = companyOf(ctx, tx.Reader, entry.ID)
		return err
	})
	return c, err
}

// DeleteCompany removes a company without people, with its API clients. One
// that products name stays, and so does one with people: the error is
// *apply.Problems then.
func (g *Govern) DeleteCompany(ctx context.Context, by Actor, id string) error {
	return g.write(ctx, by, ChangeCompanies, id, func(tx *storage.Tx, by Actor) error {
		f := apply.File{Companies: []apply.Company{{ID: id, Delete: true}}}
		clients, err := tx.ClientsNow(ctx)
		if err != nil {
			return err
		}
		for _, c := range clients {
			if c.Org == id && session.MachineOnly(c) {
				machine := apply.NewProduct()
				machine.ID, machine.Delete = c.ID, true
				f.Products = append(f.Products, machine)
			}
		}
		_, err = g.apply(ctx, tx, by, f, apply.Options{OnlyThere: true})
		return err
	})
}
