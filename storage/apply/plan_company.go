package apply

import "github.com/sallyport-id/sallyport/storage"

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
		change := Change{Action: Added, Noun: "company", Key: entry.ID}
		event := storage.Event{OrgID: entry.ID}
		if entry.Delete {
			change.Action = Deleted
			delete(a.companies, entry.ID)
			a.last = append(a.last, func() error { return a.tx.DeleteOrg(a.ctx, entry.ID) })
			a.note(change, event)
			continue
		}
		wanted := entry
		if was != nil {
			there, err := companyOf(was)
			if err != nil {
				return err
			}
			wanted = merge(there, entry, entry.source)
			change.Fields = differences(there, wanted)
			if change.Action = Changed; len(change.Fields) == 0 {
				change.Action = Unchanged
			}
		}
		wanted.checkWhole(c)
		org, err := wanted.org(was, a.Now)
		if err != nil {
			return err
		}
		a.companies[entry.ID] = &org
		if change.Action != Unchanged {
			a.then = append(a.then, func() error { return a.tx.PutOrg(a.ctx, org, a.Now) })
		}
		change.Name = wanted.Name
		a.note(change, event)
	}
	return nil
}
