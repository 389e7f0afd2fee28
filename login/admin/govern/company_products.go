package govern

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// CompanyProduct is a product that is open to people of a company.
type CompanyProduct struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Kinds of people who may use it; empty: any.
	Kinds []string `json:"kinds"`
	// People is how many people of the company are named to use it, one by one;
	// 0: it isn't a matter of names.
	People int `json:"people,omitempty"`
	// Always says who demands two factors of the company's people at every
	// entrance: the operator, the company itself.
	AlwaysByOperator bool `json:"always_two_factors_by_operator"`
	AlwaysByCompany  bool `json:"always_two_factors"`
	// Roles are those it defines.
	Roles []storage.ProductRole `json:"roles"`
	// WithRoles is how many people of the company were given any role in it.
	WithRoles int `json:"people_with_roles"`
}

// CompanyProducts lists the products that are open to people of a company, by
// id.
func (g *Govern) CompanyProducts(ctx context.Context, by Actor, org string) (all []CompanyProduct, err error) {
	all = []CompanyProduct{}
	err = g.read(ctx, by, SeeProducts, org, func(r storage.Reader) error {
		company, err := g.company(ctx, r, org)
		if err != nil {
			return err
		}
		clients, err := r.ClientsNow(ctx)
		if err != nil {
			return err
		}
		holders, err := r.RoleHolders(ctx, org)
		if err != nil {
			return err
		}
		for _, c := range clients {
			named, open, err := openToCompany(ctx, r, c, org)
			if err != nil {
				return err
			}
			if open {
				all = append(all, companyProductOf(c, org, named, company, holders[c.ID]))
			}
		}
		return nil
	})
	return all, err
}

// openToCompany says whether people of a company may use a product, and how
// many of them are named for it.
func openToCompany(ctx context.Context, r storage.Reader, c *storage.Client, org string) (named int, open bool, err error) {
	if c.Internal || session.MachineOnly(c) || len(c.Orgs) > 0 && !slices.Contains(c.Orgs, org) {
		return 0, false, nil
	}
	if len(c.People) == 0 {
		return 0, true, nil
	}
	people, err := r.Names(ctx, c.People)
	for _, p := range people {
		if p.OrgID == org {
			named++
		}
	}
	return named, named > 0, err
}

func companyProductOf(c *storage.Client, org string, named int, company policy.Company, holders int) CompanyProduct {
	return CompanyProduct{
		ID: c.ID, Name: c.Name, Kinds: append([]string{}, c.Kinds...), People: named,
		AlwaysByOperator: c.RequireTwoFactors && (len(c.RequireTwoFactorsOf) == 0 || slices.Contains(c.RequireTwoFactorsOf, org)),
		AlwaysByCompany:  slices.Contains(company.Rules.TwoFactorProducts, c.ID),
		Roles:            append([]storage.ProductRole{}, c.Roles...), WithRoles: holders,
	}
}

// openProduct is a product that is open to people of a company. Of any other a
// company doesn't know.
func openProduct(ctx context.Context, r storage.Reader, org, id string) (*storage.Client, error) {
	c, err := registered(ctx, r, id)
	if err != nil {
		return nil, err
	}
	if _, open, err := openToCompany(ctx, r, c, org); err != nil || !open {
		return nil, notFound("product")
	}
	return c, nil
}

// RequireTwoFactorsFor says whether people of a company enter a product only
// with two factors, at its own wish.
func (g *Govern) RequireTwoFactorsFor(ctx context.Context, by Actor, org, product string, always bool) error {
	return g.write(ctx, by, ChangeRules, org, func(tx *storage.Tx, by Actor) error {
		if _, err := openProduct(ctx, tx.Reader, org, product); err != nil {
			return err
		}
		// Nobody else may change the rules between reading and writing them.
		if err := tx.HoldOrg(ctx, org); err != nil {
			return err
		}
		company, err := g.company(ctx, tx.Reader, org)
		if err != nil {
			return err
		}
		entry := apply.NewCompany()
		entry.ID, entry.Rules = org, company.Rules
		entry.Rules.TwoFactorProducts = slices.DeleteFunc(slices.Clone(company.Rules.TwoFactorProducts), func(id string) bool { return id == product })
		if always {
			entry.Rules.TwoFactorProducts = append(entry.Rules.TwoFactorProducts, product)
		}
		_, err = g.apply(ctx, tx, by, apply.File{Companies: []apply.Company{entry.Only("rules")}}, apply.Options{OnlyThere: true})
		return err
	})
}

// GiveRoles gives a person roles in products, in place of those they had in
// them; in products that aren't named they keep theirs. Products must be open
// to the company and define the roles.
func (g *Govern) GiveRoles(ctx context.Context, by Actor, org, personID string, roles map[string][]string) error {
	return g.onPerson(ctx, by, ChangePeople, org, personID, func(tx *storage.Tx, by Actor, u *storage.User) error {
		merged := maps.Clone(u.Roles)
		if merged == nil {
			merged = make(map[string][]string)
		}
		for _, product := range slices.Sorted(maps.Keys(roles)) {
			c, err := openProduct(ctx, tx.Reader, org, product)
			if err != nil {
				return err
			}
			if err := defined(c, roles[product]); err != nil {
				return err
			}
			if merged[product] = slices.Compact(slices.Sorted(slices.Values(roles[product]))); len(merged[product]) == 0 {
				delete(merged, product)
			}
		}
		_, err := g.changePerson(ctx, tx, by, u, apply.Person{Roles: merged}, "roles")
		return err
	})
}

// defined refuses roles that a product doesn't define: where it defines none,
// whatever it makes of them is between it and the operator.
func defined(c *storage.Client, roles []string) error {
	for i, role := range roles {
		if !slices.ContainsFunc(c.Roles, func(r storage.ProductRole) bool { return r.ID == role }) {
			field := fmt.Sprintf("roles.%s[%d]", c.ID, i)
			return &apply.Problems{List: []apply.Problem{{
				Path: field, Field: field, Code: apply.CodeNotAllowed, Wrong: fmt.Sprintf("is %q, which the product doesn't define", role), Remedy: "choose one of its roles",
			}}}
		}
	}
	return nil
}
