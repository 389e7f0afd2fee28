package apply

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// hold keeps others away, until this transaction ends, from the rows that are read to be written whole, and from the
// companies whose owners may change: else what somebody else changes meanwhile would be undone, and two who each make
// an owner of two a member would leave none. People come first, companies then and products last, each in the order of their ids, and
// so does everybody who holds several: no two wait for each other.
func (a *applying) hold() error {
	people, err := a.peopleToHold()
	if err != nil {
		return err
	}
	a.held = make(map[string]bool)
	companies := make(map[string]bool)
	for _, id := range slices.Sorted(maps.Keys(people)) {
		if err := a.tx.HoldUser(a.ctx, id); errors.Is(err, storage.ErrNotFound) {
			continue // deleted at this moment
		} else if err != nil {
			return err
		}
		a.held[id] = true
		if !people[id] {
			continue
		}
		u, err := a.tx.User(a.ctx, id)
		if err != nil {
			return err
		}
		if u.Role == policy.Owner {
			companies[u.OrgID] = true
		}
	}
	for _, entry := range a.file.Companies {
		companies[entry.ID] = true
	}
	if slices.ContainsFunc(a.file.Products, func(e Product) bool { return e.Delete }) {
		orgs, err := a.tx.OrgsNow(a.ctx) // any may name it in its rules
		if err != nil {
			return err
		}
		for _, o := range orgs {
			companies[o.ID] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(companies)) {
		if err := a.tx.HoldOrg(a.ctx, id); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
	}
	products, err := a.productsToHold()
	if err != nil {
		return err
	}
	a.heldProducts = make(map[string]bool)
	for _, id := range products {
		if err := a.tx.HoldClient(a.ctx, id); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		a.heldProducts[id] = true
	}
	return nil
}

// peopleToHold are the ids of those with an entry, marked by true, and of those who may lose roles in a product.
func (a *applying) peopleToHold() (map[string]bool, error) {
	ids := make(map[string]bool)
	for _, entry := range a.file.People {
		u, err := a.tx.UserByEmail(a.ctx, entry.Email)
		if err == nil {
			ids[u.ID] = true
		} else if !errors.Is(err, storage.ErrNotFound) {
			return nil, err
		}
	}
	products, err := a.losingRoles()
	if err != nil || len(products) == 0 {
		return ids, err
	}
	return ids, a.holdersOfRoles(products, func(u *storage.User) {
		has := func(product string) bool { return len(u.Roles[product]) > 0 }
		if !ids[u.ID] && slices.ContainsFunc(products, has) {
			ids[u.ID] = false
		}
	})
}

// losingRoles are the products that are there and go, or get other roles.
func (a *applying) losingRoles() (ids []string, err error) {
	for _, entry := range a.file.Products {
		if !entry.Delete && !entry.mentions("roles") {
			continue
		}
		was, err := a.tx.Client(a.ctx, entry.ID)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if entry.Delete || !slices.EqualFunc(was.Roles, entry.Roles, sameRole) {
			ids = append(ids, entry.ID)
		}
	}
	return ids, nil
}

// changedMeanwhile says that somebody came to be whom this concerns only after hold.
func changedMeanwhile(email string) error {
	return fmt.Errorf("%s was changed by somebody else at this moment; run it again", email)
}
