package apply

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/storage"
)

// Roles are the roles that a product defines.
type Roles []storage.ProductRole

// String is a line about all that is said of them: viewer (Remote viewer; staff), admin.
func (all Roles) String() string {
	var words []string
	for _, r := range all {
		word, more := r.ID, []string{}
		if r.Name != "" {
			more = append(more, r.Name)
		}
		if len(r.Kinds) > 0 {
			more = append(more, strings.Join(r.Kinds, ", "))
		}
		if len(more) > 0 {
			word += " (" + strings.Join(more, "; ") + ")"
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

func (all Roles) checkForm(c checker) {
	for i, r := range all {
		at := fmt.Sprintf("roles[%d]", i)
		switch {
		case r.ID == "":
			c.refuseAs(CodeMissing, at+".id", "is missing", "write what the product knows the role by")
		case !roleForm.MatchString(r.ID) || len(r.ID) > maxID:
			c.refuse(at+".id", fmt.Sprintf("is %q", r.ID), "write up to 64 letters, digits and . _ : -")
		case slices.ContainsFunc(all[:i], func(other storage.ProductRole) bool { return other.ID == r.ID }):
			c.refuseAs(CodeTwice, at+".id", fmt.Sprintf("is %q again", r.ID), "write it once")
		}
		c.text(at+".name", r.Name)
		each(c, at+".kinds", r.Kinds, kinds)
	}
}

func sameRole(a, b storage.ProductRole) bool {
	return a.ID == b.ID && a.Name == b.Name && slices.Equal(a.Kinds, b.Kinds)
}

// knownRoles are those of a person's roles that a product knows: all, where it defines none; none, where it isn't there.
func knownRoles(product *storage.Client, roles []string) []string {
	switch {
	case product == nil:
		return nil
	case len(product.Roles) == 0:
		return roles
	}
	return slices.DeleteFunc(slices.Clone(roles), func(role string) bool { return !slices.Contains(roleIDs(product), role) })
}

func roleIDs(product *storage.Client) (ids []string) {
	for _, r := range product.Roles {
		ids = append(ids, r.ID)
	}
	return ids
}

func (e *Product) checkPeople(c checker) {
	for i, address := range e.People {
		at := fmt.Sprintf("people[%d]", i)
		c.email(at, address)
		if slices.ContainsFunc(e.People[:i], func(other string) bool { return storage.EmailKey(other) == storage.EmailKey(address) }) {
			c.refuseAs(CodeTwice, at, fmt.Sprintf("is %q again", address), "write it once")
		}
	}
}

// keys are addresses as they are compared, in order.
func keys(addresses []string) []string {
	var all []string
	for _, address := range addresses {
		all = append(all, storage.EmailKey(address))
	}
	slices.Sort(all)
	return all
}

// addresses are those of the people with these ids, as keys gives them. Who is no longer there is named by their id: a
// product whose only people are gone is open to nobody, not to everybody.
func (a *applying) addresses(ids []string) ([]string, error) {
	var all []string
	for _, id := range ids {
		u, err := a.tx.User(a.ctx, id)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			all = append(all, id)
		case err != nil:
			return nil, err
		default:
			all = append(all, u.Email)
		}
	}
	return keys(all), nil
}

// planAccess finds the people whom products name, and refuses roles that products don't define. It comes after all
// people are known, those of the same file among them.
func (a *applying) planAccess() error {
	for _, entry := range a.file.Products {
		client := a.products[entry.ID]
		if client == nil || client == a.hadProducts[entry.ID] || !entry.mentions("people") {
			continue // it goes, or was refused
		}
		c := a.checker(entry.source)
		client.People = nil
		for i, address := range entry.People {
			id, err := a.personID(address)
			if err != nil {
				return err
			}
			if id == "" {
				c.refuseAs(CodeUnknown, fmt.Sprintf("people[%d]", i), fmt.Sprintf("is %q, and there is no such person", address), "add them to people, or write the address of one who is there")
				continue
			}
			client.People = append(client.People, id)
		}
	}
	for _, entry := range a.file.People {
		if entry.Delete || !entry.mentions("roles") {
			continue
		}
		a.checkRoles(entry)
	}
	return nil
}

// personID is the id of the person there will be with an address; empty where there will be none.
func (a *applying) personID(address string) (string, error) {
	key := storage.EmailKey(address)
	for id, p := range a.people {
		if p.is != nil && storage.EmailKey(p.is.Email) == key {
			return id, nil
		}
	}
	u, err := a.tx.UserByEmail(a.ctx, address)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return "", nil
	case err != nil:
		return "", err
	case a.people[u.ID] != nil:
		return "", nil // who is deleted
	}
	return u.ID, nil
}

func (a *applying) checkRoles(entry Person) {
	c := a.checker(entry.source)
	for _, product := range slices.Sorted(maps.Keys(entry.Roles)) {
		client := a.products[product]
		if client == nil || len(client.Roles) == 0 {
			continue
		}
		for i, role := range entry.Roles[product] {
			if ids := roleIDs(client); !slices.Contains(ids, role) {
				c.refuseAs(CodeNotAllowed, fmt.Sprintf("roles.%s[%d]", product, i), fmt.Sprintf("is %q, which the product doesn't define", role), "write "+either(ids))
			}
		}
	}
}
