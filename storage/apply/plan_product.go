package apply

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/sallyport-id/sallyport/storage"
)

func (a *applying) planProducts() error {
	offered := offersOf(a.products, a.file.Products)
	for _, entry := range a.file.Products {
		was := a.products[entry.ID]
		c := a.checker(entry.source)
		if !entry.fromFile() {
			entry.checkForm(c)
		}
		if was != nil && was.Internal {
			continue // its id was refused
		}
		if !a.goOn(c, "product", entry.ID, was != nil, entry.Delete) {
			continue
		}
		if a.Registration != "" && was != nil && was.RegistrationHash != a.Registration {
			return ErrTakenOver
		}
		change := Change{Action: Added, Noun: "product", Key: entry.ID}
		event := storage.Event{ClientID: entry.ID}
		if was != nil {
			event.OrgID, change.machine = was.Org, was.Org != ""
		}
		if entry.Delete {
			change.Action = Deleted
			delete(a.products, entry.ID)
			if err := a.forgetProduct(entry.ID); err != nil {
				return err
			}
			a.then = append(a.then, func() error { return a.tx.DeleteClient(a.ctx, entry.ID, a.Now) })
			a.note(change, event)
			continue
		}
		wanted := entry
		wanted.People = keys(entry.People)
		if was == nil && wanted.machineOnly() && !entry.mentions("scopes") {
			wanted.Scopes = nil // the default is for people
		}
		if was != nil {
			there := productOf(was)
			if entry.mentions("people") {
				people, err := a.addresses(was.People)
				if err != nil {
					return err
				}
				there.People = people
			}
			wanted = merge(there, wanted, entry.source)
			wanted.SecretText = entry.SecretText
			wanted.dropOld(there, entry.source)
			wanted.forget(offered, entry.source)
			change.Fields = differences(there, wanted)
			if change.Action = Changed; len(change.Fields) == 0 {
				change.Action = Unchanged
			}
		}
		wanted.checkWhole(c, a.companies)
		wanted.checkAuth(c, was)
		wanted.checkAmong(c, offered, entry.source)
		client := wanted.client(was, a.Now)
		client.RegistrationHash = a.Registration
		a.products[entry.ID] = &client
		if change.Action != Unchanged {
			a.then = append(a.then, func() error { return a.writeProduct(was, client) })
		}
		change.Name, change.machine, event.OrgID = wanted.Name, client.Org != "", client.Org
		a.note(change, event)
	}
	a.forgetInOthers(offered)
	return nil
}

// writeProduct leaves a secret alone that stays: it may be rotated at this moment. One that is replaced takes with it what
// was fetched by it.
func (a *applying) writeProduct(was *storage.Client, client storage.Client) error {
	if was != nil && was.SecretHash == client.SecretHash && was.Secret == client.Secret && was.OldSecret == client.OldSecret && was.HasSecret() == client.HasSecret() {
		return a.tx.PutClientSettings(a.ctx, client, a.Now)
	}
	if err := a.tx.PutClient(a.ctx, client, a.Now); err != nil || was == nil || was.SecretHash == client.SecretHash && was.HasSecret() == client.HasSecret() {
		return err
	}
	return a.tx.RevokeMachineTokens(a.ctx, client.ID, a.Now)
}

// forgetProduct takes a product that goes out of the rules of companies, so that another of the same id doesn't inherit
// them.
func (a *applying) forgetProduct(id string) error {
	for _, org := range slices.Sorted(maps.Keys(a.companies)) {
		row := a.companies[org]
		company, err := companyOf(row)
		if err != nil {
			return err
		}
		if !slices.Contains(company.Rules.TwoFactorProducts, id) {
			continue
		}
		company.Rules.TwoFactorProducts = slices.DeleteFunc(company.Rules.TwoFactorProducts, func(have string) bool { return have == id })
		if row.Rules, err = json.Marshal(company.Rules); err != nil {
			return err
		}
		a.then = append(a.then, func() error { return a.tx.PutOrg(a.ctx, *row, a.Now) })
	}
	return nil
}
