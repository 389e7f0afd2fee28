package apply

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// peoplePage is how many people are read at a time.
const peoplePage = 500

// planLeaving looks after what others hold of what goes: who loses access to a product loses it at once, a deleted
// product's roles go with it, and a company goes only when nobody needs it any more.
func (a *applying) planLeaving() error {
	for _, step := range []func() error{a.planAccess, a.withdrawFromPeople, a.dropRoles} {
		if err := step(); err != nil {
			return err
		}
	}
	for _, entry := range a.file.Companies {
		if entry.Delete && a.companies[entry.ID] == nil {
			if err := a.checkCompanyFree(entry); err != nil {
				return err
			}
		}
	}
	return nil
}

// withdrawFromPeople ends the grants of those for whom a product is no longer.
func (a *applying) withdrawFromPeople() error {
	withdraw := func(userID, clientID string) {
		a.first = append(a.first, func() error { return a.tx.Withdraw(a.ctx, userID, clientID, a.Now) })
	}
	for _, id := range slices.Sorted(maps.Keys(a.products)) {
		was, is := a.hadProducts[id], a.products[id]
		if was == nil || was == is || is != nil && !fewerMayUse(was, is) {
			continue // new, not in the file, or for those it was for
		}
		holders, err := a.tx.Holders(a.ctx, id, a.Now)
		if err != nil {
			return err
		}
		for _, holder := range holders {
			if a.people[holder.ID] == nil && session.ProductClosed(is, holder) {
				withdraw(holder.ID, id)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(a.people)) {
		p := a.people[id]
		if p.was == nil || p.is == nil {
			continue
		}
		for _, product := range slices.Sorted(maps.Keys(a.products)) {
			had := a.hadProducts[product]
			if had != nil && !session.ProductClosed(had, p.was) && session.ProductClosed(a.products[product], p.is) {
				withdraw(id, product)
			}
		}
	}
	return nil
}

// fewerMayUse says whether a product may have become closed to somebody. Reading all who hold something of it takes long
// where they are many, and nothing else is written meanwhile.
func fewerMayUse(was, is *storage.Client) bool {
	return !slices.Equal(was.Orgs, is.Orgs) || !slices.Equal(was.Kinds, is.Kinds) || !slices.Equal(was.People, is.People)
}

// dropRoles removes the roles in products that go, so that others of the same id don't inherit them, and those that a
// product knows no longer, so that nobody gets them back unasked with a later role of that name.
func (a *applying) dropRoles() error {
	fewer := func(id string) bool {
		was, is := a.hadProducts[id], a.products[id]
		return was != nil && was != is && (is == nil || len(is.Roles) > 0 && !slices.EqualFunc(was.Roles, is.Roles, sameRole))
	}
	var products []string
	for _, e := range a.file.Products {
		if fewer(e.ID) {
			products = append(products, e.ID)
		}
	}
	return a.holdersOfRoles(products, func(u *storage.User) {
		is := *u
		is.Roles = a.rolesLeft(u.Roles)
		if a.people[u.ID] != nil || !loses(u.Roles, is.Roles) {
			return // who changes anyway has lost them already
		}
		if !a.held[u.ID] {
			a.then = append(a.then, func() error { return changedMeanwhile(u.Email) })
			return
		}
		a.then = append(a.then, func() error { return a.tx.UpdateUser(a.ctx, is, a.Now) })
		there, wanted := personOf(u), personOf(&is)
		maps.DeleteFunc(there.Roles, func(product string, _ []string) bool { return a.products[product] == nil }) // said by the product's going
		if fields := differences(there, wanted); len(fields) > 0 {
			a.note(Change{Action: Changed, Noun: "person", Key: u.Email, Name: u.Profile.Name, Fields: fields}, storage.Event{UserID: u.ID, OrgID: u.OrgID})
		}
	})
}

// holdersOfRoles calls see once for everybody who has roles in one of the products.
func (a *applying) holdersOfRoles(products []string, see func(*storage.User)) error {
	seen := make(map[string]bool)
	for _, id := range products {
		holders, err := a.tx.WithRolesIn(a.ctx, id)
		if err != nil {
			return err
		}
		for _, u := range holders {
			if !seen[u.ID] {
				seen[u.ID] = true
				see(u)
			}
		}
	}
	return nil
}

// loses says whether somebody has fewer roles than before; products without any don't count.
func loses(was, is map[string][]string) bool {
	for product := range was {
		if len(is[product]) < len(was[product]) {
			return true
		}
	}
	return false
}

// checkCompanyFree refuses to delete a company that people belong to or that products name.
func (a *applying) checkCompanyFree(entry Company) error {
	left := 0
	err := a.everybody(entry.ID, func(u *storage.User) {
		if p := a.people[u.ID]; p == nil || p.is != nil && p.is.OrgID == entry.ID {
			left++
		}
	})
	if err != nil {
		return err
	}
	c := a.checker(entry.source)
	if left > 0 {
		c.refuseAs(CodeInUse, "delete", fmt.Sprintf("can't be done while %d of its people are there", left), "delete them, or move them to another company")
	}
	for _, id := range slices.Sorted(maps.Keys(a.products)) {
		p := a.products[id]
		if slices.Contains(p.Orgs, entry.ID) || slices.Contains(p.RequireTwoFactorsOf, entry.ID) {
			c.refuseAs(CodeInUse, "delete", "can't be done while product "+id+" names it", "take it out of that product's companies and require_two_factors_of")
		}
		if p.Org == entry.ID {
			c.refuseAs(CodeInUse, "delete", "can't be done while product "+id+" acts for it", "delete that product as well")
		}
	}
	return nil
}

// everybody calls see for the people of a company, or of all where org is empty.
func (a *applying) everybody(org string, see func(*storage.User)) error {
	for after := ""; ; {
		page, err := a.tx.Users(a.ctx, org, after, peoplePage)
		if err != nil {
			return err
		}
		for _, u := range page {
			see(u)
		}
		if len(page) < peoplePage {
			return nil
		}
		after = page[len(page)-1].Email
	}
}

// checkOwners refuses to leave a company that has an owner without one.
func (a *applying) checkOwners() error {
	for _, id := range slices.Sorted(maps.Keys(a.people)) {
		p := a.people[id]
		if p.was == nil || !owns(p.was, p.was.OrgID) || owns(p.is, p.was.OrgID) || a.companies[p.was.OrgID] == nil {
			continue
		}
		owners, err := a.tx.Owners(a.ctx, p.was.OrgID)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(owners, func(u *storage.User) bool { return a.willOwn(u, p.was.OrgID) }) && !a.newOwner(p.was.OrgID) {
			a.checker(p.source).refuseAs(CodeLastOwner, "", fmt.Sprintf("%s is the only owner of company %s", p.was.Email, p.was.OrgID), "make somebody else its owner first")
		}
	}
	return nil
}

func (a *applying) willOwn(u *storage.User, org string) bool {
	if p := a.people[u.ID]; p != nil {
		return owns(p.is, org)
	}
	return owns(u, org)
}

func (a *applying) newOwner(org string) bool {
	for _, p := range a.people {
		if owns(p.is, org) {
			return true
		}
	}
	return false
}

// owns says whether a person can act as an owner of a company.
func owns(u *storage.User, org string) bool {
	return u != nil && u.OrgID == org && u.Role == policy.Owner && u.DisabledAt.IsZero()
}
