package govern_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/storage"
)

// happened writes events a minute apart, oldest first.
func (w *world) happened(events ...storage.Event) {
	w.t.Helper()
	for i := range events {
		events[i].At = w.now.Add(time.Duration(i) * time.Minute)
	}
	w.write(func(tx *storage.Tx) error { return tx.Audit(w.t.Context(), events...) })
}

func TestAudit(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		w.now = w.now.Add(time.Hour) // after the fixtures
		anaID, gwen := w.user(ana).ID, w.user("gwen@globex.example").ID
		w.happened(
			storage.Event{Event: "password.failed", Result: storage.Failed, OrgID: "acme", UserID: anaID},
			storage.Event{Event: "totp.added", Result: storage.OK, OrgID: "acme", UserID: anaID},
			storage.Event{Event: "totp.removed", Result: storage.OK, OrgID: "globex", UserID: gwen},
			storage.Event{Event: "token.issued", Result: storage.OK, OrgID: "acme", UserID: w.user(olga).ID, ClientID: "board"},
			storage.Event{Event: "session.ended", Result: storage.OK, OrgID: "acme", UserID: "deleted-person"},
		)
		find := func(by, org string, f govern.AuditFilter) (events []string) {
			t.Helper()
			f.From = w.now
			page, err := w.Audit(ctx, w.as(by), org, f)
			w.must(err)
			for _, e := range page.Events {
				events = append(events, e.Event)
			}
			return events
		}
		for name, c := range map[string]struct {
			filter govern.AuditFilter
			want   []string
		}{
			"all":             {govern.AuditFilter{}, []string{"session.ended", "token.issued", "totp.added", "password.failed"}},
			"address":         {govern.AuditFilter{Person: " ANA@acme.example "}, []string{"totp.added", "password.failed"}},
			"words":           {govern.AuditFilter{Person: "exam ana"}, []string{"totp.added", "password.failed"}},
			"id":              {govern.AuditFilter{Person: "deleted-person"}, []string{"session.ended"}},
			"nobody":          {govern.AuditFilter{Person: "nobody@acme.example"}, nil},
			"somebody else's": {govern.AuditFilter{Person: "gwen@globex.example"}, nil},
			"product":         {govern.AuditFilter{Product: "board"}, []string{"token.issued"}},
			"beginning":       {govern.AuditFilter{Event: "totp."}, []string{"totp.added"}},
			"events":          {govern.AuditFilter{Events: []string{"totp.added", "session.ended"}}, []string{"session.ended", "totp.added"}},
			"no event":        {govern.AuditFilter{Events: []string{}}, nil},
			"result":          {govern.AuditFilter{Result: storage.Failed}, []string{"password.failed"}},
			"until":           {govern.AuditFilter{Until: w.now.Add(time.Minute)}, []string{"password.failed"}},
		} {
			if got := find(adam, "acme", c.filter); !slices.Equal(got, c.want) {
				t.Errorf("%s: %v, want %v", name, got, c.want)
			}
		}
		if got := find(otto, "", govern.AuditFilter{Event: "totp."}); !slices.Equal(got, []string{"totp.removed", "totp.added"}) {
			t.Errorf("everywhere: %v", got)
		}
		if got := find(otto, "", govern.AuditFilter{Person: "gwen@globex.example"}); !slices.Equal(got, []string{"totp.removed"}) {
			t.Errorf("everywhere, of one: %v", got)
		}

		page, err := w.Audit(ctx, w.as(adam), "acme", govern.AuditFilter{From: w.now, Limit: 3})
		w.must(err)
		if len(page.Events) != 3 || page.Next == "" {
			t.Fatalf("first page %v", page)
		}
		page, err = w.Audit(ctx, w.as(adam), "acme", govern.AuditFilter{From: w.now, Limit: 3, After: page.Next})
		w.must(err)
		if len(page.Events) != 1 || page.Events[0].Event != "password.failed" || page.Next != "" {
			t.Errorf("second page %v", page)
		}

		if _, err := w.Audit(ctx, w.as(adam), "acme", govern.AuditFilter{Person: "acme"}); !errors.Is(err, govern.ErrManyPeople) {
			t.Errorf("several people: %v", err)
		}
		if _, err := w.Audit(ctx, w.as(adam), "acme", govern.AuditFilter{After: "nonsense"}); !errors.Is(err, storage.ErrNoCursor) {
			t.Errorf("no cursor: %v", err)
		}
		_, err = w.Audit(ctx, w.as(ana), "acme", govern.AuditFilter{})
		w.refused(err, "role")
		_, err = w.Audit(ctx, w.as(adam), "globex", govern.AuditFilter{})
		w.hidden(err)
		_, err = w.Audit(ctx, w.as(olga), "", govern.AuditFilter{})
		w.refused(err, "role")
		_, err = w.AuditChain(ctx, w.as(olga))
		w.refused(err, "role")
	})
}

func TestExportAudit(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		w.now = w.now.Add(time.Hour)
		var many []storage.Event
		for range 700 { // more than a page
			many = append(many, storage.Event{Event: "session.ended", Result: storage.OK, OrgID: "acme"})
		}
		w.happened(many...)
		w.happened(storage.Event{Event: "session.ended", OrgID: "globex"})
		n, pages := 0, 0
		count := func(events []*storage.Event) error {
			n, pages = n+len(events), pages+1
			return nil
		}
		filter := govern.AuditFilter{Event: "session.", From: w.now}
		w.must(w.ExportAudit(ctx, w.as(adam), "acme", filter, count))
		if n != 700 || pages != 2 {
			t.Errorf("%d events on %d pages", n, pages)
		}
		page, err := w.Audit(ctx, w.as(adam), "acme", govern.AuditFilter{Event: "audit.exported"})
		w.must(err)
		if len(page.Events) != 1 || page.Events[0].Actor != w.user(adam).ID || page.Events[0].OrgID != "acme" {
			t.Errorf("audited %+v", page.Events)
		}
		n = 0
		w.refused(w.ExportAudit(ctx, w.as(ana), "acme", filter, count), "role")
		w.hidden(w.ExportAudit(ctx, w.as(adam), "globex", filter, count))
		w.refused(w.ExportAudit(ctx, w.as(olga), "", filter, count), "role")
		w.must(w.ExportAudit(ctx, w.as(adam), "acme", govern.AuditFilter{Person: "nobody@acme.example"}, count))
		if n != 0 {
			t.Errorf("%d events to who mustn't see them", n)
		}
		// A page that can't be written ends it.
		broken := errors.New("connection reset")
		if err := w.ExportAudit(ctx, w.as(otto), "", filter, func([]*storage.Event) error { return broken }); !errors.Is(err, broken) {
			t.Errorf("%v", err)
		}
	})
}

func TestNamesIn(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		made, err := w.CreateAPIClient(ctx, w.as(olga), "acme", "Import", []string{"people:read"})
		w.must(err)
		anaID, ottoID := w.user(ana).ID, w.user(otto).ID
		events := []*storage.Event{
			{UserID: anaID, Actor: ottoID, OrgID: "acme", ClientID: "board"},
			{UserID: "gone", Actor: "product:" + made.ID, OrgID: "dissolved", ClientID: "sallyport-account"},
			{Actor: "command line", ClientID: "unregistered"},
		}
		n, err := w.NamesIn(ctx, w.as(adam), "acme", events)
		w.must(err)
		if name, known := n.Person(anaID); name != "Ana Example" || !known {
			t.Errorf("ana: %q %v", name, known)
		}
		if name, known := n.Person("gone"); name != "" || !known {
			t.Errorf("gone: %q %v", name, known)
		}
		// The operator belongs to another company, whose people stay unknown here.
		if name, known := n.Person(ottoID); name != "" || known {
			t.Errorf("otto: %q %v", name, known)
		}
		for id, want := range map[string]string{"board": "Board", made.ID: "Import", "sallyport-account": "", "unregistered": "unregistered"} {
			if got := n.Product(id); got != want {
				t.Errorf("product %s: %q", id, got)
			}
		}
		if n.Company("acme") != "Acme" || n.Company("dissolved") != "dissolved" {
			t.Errorf("companies %q and %q", n.Company("acme"), n.Company("dissolved"))
		}
		n, err = w.NamesIn(ctx, w.as(otto), "", events)
		w.must(err)
		if name, known := n.Person(ottoID); name != "Otto Operator" || !known {
			t.Errorf("otto to the operator: %q %v", name, known)
		}
		_, err = w.NamesIn(ctx, w.as(adam), "", events)
		w.refused(err, "role")
	})
}
