package apply

import "github.com/sallyport-id/sallyport/storage"

func (a *applying) planProducts() error {
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
		change := Change{Action: Added, Noun: "product", Key: entry.ID}
		event := storage.Event{ClientID: entry.ID}
		if entry.Delete {
			change.Action = Deleted
			delete(a.products, entry.ID)
			a.then = append(a.then, func() error { return a.tx.DeleteClient(a.ctx, entry.ID) })
			a.note(change, event)
			continue
		}
		wanted := entry
		if was != nil {
			there := productOf(was)
			wanted = merge(there, entry, entry.source)
			if wanted.AuthMethod == authNone && !entry.mentions("secret_hash") {
				wanted.SecretHash = "" // it goes with the method that used it
			}
			change.Fields = differences(there, wanted)
			if change.Action = Changed; len(change.Fields) == 0 {
				change.Action = Unchanged
			}
		}
		wanted.checkWhole(c, a.companies)
		client := wanted.client(was, a.Now)
		a.products[entry.ID] = &client
		if change.Action != Unchanged {
			a.then = append(a.then, func() error { return a.tx.PutClient(a.ctx, client, a.Now) })
		}
		change.Name = wanted.Name
		a.note(change, event)
	}
	return nil
}
