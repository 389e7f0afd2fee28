package apply

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/storage"
)

func (a *applying) planCompanies() error {
	for _, entry := range a.file.Companies {
		was := a.companies[entry.ID]
		c := a.checker(entry.source)
		if !entry.fromFile() {
			entry.checkForm(c)
		}
		if !a.goOn(c, "company", entry.ID, was != nil, entry.Delete) {
			continue
		}
		if was == nil {
			if err := a.checkNeverUsed(c, entry.ID); err != nil {
				return err
			}
		}
		change := Change{Action: Added, Noun: "company", Key: entry.ID}
		event := storage.Event{OrgID: entry.ID}
		if entry.Delete {
			change.Action = Deleted
			delete(a.companies, entry.ID)
			a.last = append(a.last, func() error { return a.tx.DeleteOrg(a.ctx, entry.ID) })
			a.note(change, event)
			continue
		}
		wanted, had := entry, []string(nil)
		if was != nil {
			there, err := companyOf(was)
			if err != nil {
				return err
			}
			wanted, had = merge(there, entry, entry.source), there.Rules.TwoFactorProducts
			change.Fields = differences(there, wanted)
			if change.Action = Changed; len(change.Fields) == 0 {
				change.Action = Unchanged
			}
		}
		a.checks = append(a.checks, func() { wanted.checkWhole(c, had, a.products) }) // once products are planned
		org, err := wanted.org(was, a.Now)
		if err != nil {
			return err
		}
		a.companies[entry.ID] = &org
		if change.Action != Unchanged {
			a.then = append(a.then, func() error { return a.tx.PutOrg(a.ctx, org, a.Now) })
		}
		change.Name = wanted.Name
		a.noteCompany(change, event)
	}
	return nil
}

// checkNeverUsed refuses the id of a company that is gone: another of that id would read in the audit what happened there.
func (a *applying) checkNeverUsed(c checker, id string) error {
	used, err := a.tx.AuditKnows(a.ctx, id)
	if used {
		c.refuseAs(CodeTaken, "id", fmt.Sprintf("is %q, which a company that is gone had", id), "choose another, for the audit still tells of it")
	}
	return err
}

// noteCompany is note; requirements and networks that changed are events of their own, whoever changes them and
// whatever else of the company with them.
func (a *applying) noteCompany(c Change, e storage.Event) {
	if c.Action != Changed {
		a.note(c, e)
		return
	}
	a.report.Changes = append(a.report.Changes, c)
	changed := make(map[string]Change)
	for _, f := range c.Fields {
		event := "company.changed"
		switch {
		case f.Field == "rules.sign_in_from" || f.Field == "rules.machine_from":
			event = "networks.changed"
		case strings.HasPrefix(f.Field, "rules."):
			event = "rules.changed"
		}
		part := changed[event]
		part.Fields = append(part.Fields, f)
		changed[event] = part
	}
	for _, event := range slices.Sorted(maps.Keys(changed)) {
		a.audit(event, changed[event].reason(), e)
	}
}
