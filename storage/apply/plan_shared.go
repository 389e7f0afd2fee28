package apply

import (
	"errors"
	"maps"
	"slices"

	"github.com/sallyport-id/sallyport/storage"
)

// offers are the products there will be, by id, with the API that each serves; an empty one where it serves none.
type offers map[string]API

// offersOf is what there will be of products once a file is applied to those there are.
func offersOf(there map[string]*storage.Client, entries []Product) offers {
	all := make(offers)
	for id, c := range there {
		if !c.Internal {
			all[id] = protocolOf(c).API
		}
	}
	for _, e := range entries {
		_, known := all[e.ID]
		switch {
		case e.Delete:
			delete(all, e.ID)
		case !known || e.mentions("api"):
			all[e.ID] = e.API
		}
	}
	return all
}

// serving is the id of the product whose API a resource is; empty: none.
func (o offers) serving(resource string) string {
	for _, id := range slices.Sorted(maps.Keys(o)) {
		if resource != "" && o[id].Resource == resource {
			return id
		}
	}
	return ""
}

// scopes are those that somebody may ask for: of this provider, and of the APIs among resources.
func (o offers) scopes(resources []string) []string {
	all := slices.Clone(scopes)
	for _, resource := range resources {
		for _, s := range o[o.serving(resource)].Scopes {
			all = append(all, s.ID)
		}
	}
	return all
}

// forget makes a product forget what others offered it and what its entry doesn't name: APIs that nobody serves any more,
// the scopes of those, and products that went, so that a later one of the same name doesn't inherit the trust.
func (e *Product) forget(o offers, s source) {
	keep := func(field string, list *[]string, stays func(string) bool) {
		if !s.mentions(field) && slices.ContainsFunc(*list, func(v string) bool { return !stays(v) }) {
			*list = slices.DeleteFunc(slices.Clone(*list), func(v string) bool { return !stays(v) })
		}
	}
	keep("resources", &e.Resources, func(resource string) bool { return o.serving(resource) != "" })
	allowed := o.scopes(e.Resources)
	keep("scopes", &e.Scopes, func(scope string) bool { return slices.Contains(allowed, scope) })
	for _, list := range []*[]string{&e.Exchange.Impersonate, &e.Exchange.Delegate} {
		keep("token_exchange", list, func(id string) bool { _, there := o[id]; return there })
	}
}

// forgetInOthers does so for the products that have no entry.
func (a *applying) forgetInOthers(o offers) {
	for _, id := range slices.Sorted(maps.Keys(a.products)) {
		was := a.products[id]
		if was.Internal || was != a.hadProducts[id] {
			continue
		}
		there := productOf(was)
		wanted := there
		wanted.forget(o, source{said: map[string]bool{}})
		fields := differences(there, wanted)
		if len(fields) == 0 {
			continue
		}
		if !a.heldProducts[id] {
			a.then = append(a.then, func() error { return changedMeanwhile("product " + id) })
			continue
		}
		client := *was
		client.Resources, client.Scopes, client.Exchange = wanted.Resources, wanted.Scopes, storage.Exchange(wanted.Exchange)
		a.products[id] = &client
		a.then = append(a.then, func() error { return a.tx.PutClientSettings(a.ctx, client, a.Now) })
		a.note(Change{Action: Changed, Noun: "product", Key: id, Name: client.Name, Fields: fields, machine: client.Org != ""}, storage.Event{ClientID: id, OrgID: client.Org})
	}
}

// productsToHold are the ids of those with an entry, and of those that may have to forget what an entry offered.
func (a *applying) productsToHold() (ids []string, err error) {
	var all []*storage.Client
	for _, entry := range a.file.Products {
		ids = append(ids, entry.ID)
		if !entry.Delete && !entry.mentions("api") {
			continue
		}
		was, err := a.tx.Client(a.ctx, entry.ID)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err == nil && all == nil {
			all, err = a.tx.ClientsNow(a.ctx)
		}
		if err != nil {
			return nil, err
		}
		for _, other := range all {
			if relies(other, was) {
				ids = append(ids, other.ID)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// relies says whether a product may use the API of another, or exchange its tokens.
func relies(product, on *storage.Client) bool {
	return slices.Contains(slices.Concat(product.Exchange.Impersonate, product.Exchange.Delegate), on.ID) ||
		on.API != nil && slices.Contains(product.Resources, on.API.Resource)
}
