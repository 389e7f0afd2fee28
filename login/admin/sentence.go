package admin

import (
	"strings"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// entryOf is an event with names in place of ids.
func entryOf(e *storage.Event, names govern.Names) page.AuditEntry {
	entry := page.AuditEntry{
		At: e.At, Event: e.Event, Result: e.Result, Product: names.Product(e.ClientID), Method: e.Factor, From: e.IP,
		Reason: e.Decision, ReasonWho: whoWanted(e, names),
	}
	if entry.Reason == "" {
		entry.Words = e.Reason
	}
	concerned := person(e.UserID, names)
	switch {
	case e.Actor != "" && e.Actor != e.UserID:
		entry.Who, entry.Whom = actor(e.Actor, names), concerned
	case e.UserID != "":
		entry.Who = concerned
	case e.ClientID != "" && strings.HasPrefix(e.Event, "token.machine_"):
		entry.Who = page.Party{Kind: "machine", Name: entry.Product}
	default:
		entry.Who = page.Party{Kind: "unknown"}
	}
	return entry
}

// person is somebody by their id: the zero Party for nobody.
func person(id string, names govern.Names) page.Party {
	if id == "" {
		return page.Party{}
	}
	name, known := names.Person(id)
	if !known {
		return page.Party{Kind: "unknown"}
	}
	return page.Party{Kind: "person", Name: name}
}

// actor is who did something for somebody else, as govern.Actor writes it.
func actor(name string, names govern.Names) page.Party {
	if id, ok := strings.CutPrefix(name, "product:"); ok {
		return page.Party{Kind: "machine", Name: names.Product(id)}
	}
	if strings.Contains(name, " ") { // no id has a space
		return page.Party{Kind: "command_line"}
	}
	return person(name, names)
}

// whoWanted is the company or product that a decision's reason speaks of.
func whoWanted(e *storage.Event, names govern.Names) string {
	switch policy.ReasonCode(e.Decision) {
	case policy.ByCompany, policy.ByCompanyProduct, policy.ByNetwork, policy.ByAdministrator, policy.OutsideNetworks, policy.MachineNetworks, policy.OutsideMachines:
		return names.Company(e.OrgID)
	}
	return names.Product(e.ClientID)
}

// activity is what happened to a person of a company of late and what they
// did, newest first, without the tokens that products fetch on their own and
// the single proofs of a sign-in.
func (a *Admin) activity(v *visit, company, personID string, limit int) ([]page.Activity, error) {
	const atOnce, pages = 100, 5
	var events []*storage.Event
	f := govern.AuditFilter{Person: personID, Limit: atOnce}
	for range pages {
		found, err := a.Govern.Audit(v.Ctx(), v.by, company, f)
		if err != nil {
			return nil, err
		}
		for _, e := range found.Events {
			if !strings.HasPrefix(e.Event, "token.") && !strings.HasPrefix(e.Event, "proof.") {
				events = append(events, e)
			}
		}
		if f.After = found.Next; f.After == "" || len(events) >= limit {
			break
		}
	}
	events = events[:min(limit, len(events))]
	names, err := a.Govern.NamesIn(v.Ctx(), v.by, company, events)
	if err != nil {
		return nil, err
	}
	var all []page.Activity
	for _, e := range events {
		all = append(all, page.Activity{At: e.At, What: entryOf(e, names).Sentence(), From: e.IP})
	}
	return all, nil
}
