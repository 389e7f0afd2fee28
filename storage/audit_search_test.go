package storage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

const globex, grace = "globex", "grace"

// history is what the tests search: each event's Reason is its name in them.
func history(t testing.TB, db *storage.DB) {
	t.Helper()
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
		return tx.Audit(ctx,
			storage.Event{Reason: "unknown", At: at(0), Event: "password.failed", Result: storage.Failed},
			storage.Event{Reason: "wrong", At: at(1), Event: "password.failed", Result: storage.Failed, OrgID: acme, UserID: ada, ClientID: board},
			storage.Event{Reason: "right", At: at(2), Event: "password.proved", Result: storage.OK, OrgID: acme, UserID: ada, ClientID: board},
			storage.Event{Reason: "in", At: at(3), Event: "session.started", Result: storage.OK, OrgID: acme, UserID: ada, ClientID: board, Decision: "company"},
			storage.Event{Reason: "helped", At: at(4), Event: "recovery_code.issued", Result: storage.OK, OrgID: acme, UserID: ada, Actor: grace},
			storage.Event{Reason: "helped herself", At: at(5), Event: "recovery_code.used", Result: storage.OK, OrgID: acme, UserID: grace, Actor: grace},
			storage.Event{Reason: "theirs", At: at(6), Event: "session.started", Result: storage.OK, OrgID: globex, UserID: "gus", ClientID: "wiki"},
			storage.Event{Reason: "not a prefix", At: at(7), Event: "recoveryXcode.used", Result: storage.Refused, OrgID: globex, UserID: "gus", ClientID: board},
		)
	})
}

func reasons(events []*storage.Event) []string {
	names := []string{}
	for _, e := range events {
		names = append(names, e.Reason)
	}
	return names
}

func TestAuditSearch(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		history(t, db)
		for _, c := range []struct {
			name  string
			query storage.AuditQuery
			want  []string
		}{
			{"everything", storage.AuditQuery{Everywhere: true}, []string{"not a prefix", "theirs", "helped herself", "helped", "in", "right", "wrong", "unknown"}},
			{"a company", storage.AuditQuery{OrgID: acme}, []string{"helped herself", "helped", "in", "right", "wrong"}},
			{"a company, though everywhere", storage.AuditQuery{OrgID: globex, Everywhere: true}, []string{"not a prefix", "theirs"}},
			{"an unknown company", storage.AuditQuery{OrgID: "acme%"}, []string{}},
			{"no text", storage.AuditQuery{OrgID: "a\x00"}, []string{}},
			{"a person", storage.AuditQuery{OrgID: acme, UserID: ada}, []string{"helped", "in", "right", "wrong"}},
			{"a person who did something", storage.AuditQuery{Everywhere: true, UserID: grace}, []string{"helped herself", "helped"}},
			{"a person of elsewhere", storage.AuditQuery{OrgID: globex, UserID: ada}, []string{}},
			{"a person and a product", storage.AuditQuery{OrgID: acme, UserID: ada, ClientID: board, Result: storage.OK}, []string{"in", "right"}},
			{"a product", storage.AuditQuery{Everywhere: true, ClientID: board}, []string{"not a prefix", "in", "right", "wrong"}},
			{"a company's product", storage.AuditQuery{OrgID: acme, ClientID: board}, []string{"in", "right", "wrong"}},
			{"an event", storage.AuditQuery{Everywhere: true, Event: "session.started"}, []string{"theirs", "in"}},
			{"half a name", storage.AuditQuery{Everywhere: true, Event: "session.start"}, []string{}},
			{"events by a prefix", storage.AuditQuery{OrgID: acme, Event: "password."}, []string{"right", "wrong"}},
			{"a prefix is no pattern", storage.AuditQuery{Everywhere: true, Event: "recovery_code."}, []string{"helped herself", "helped"}},
			{"events of a list", storage.AuditQuery{OrgID: acme, Events: []string{"session.started", "recovery_code.used"}}, []string{"helped herself", "in"}},
			{"a result", storage.AuditQuery{Everywhere: true, Result: storage.Failed}, []string{"wrong", "unknown"}},
			{"a time", storage.AuditQuery{Everywhere: true, From: noon.Add(2 * time.Minute), Until: noon.Add(4 * time.Minute)}, []string{"in", "right"}},
			{"a person's time", storage.AuditQuery{OrgID: acme, UserID: ada, From: noon.Add(3 * time.Minute)}, []string{"helped", "in"}},
			{"the newest", storage.AuditQuery{OrgID: acme, Limit: 2}, []string{"helped herself", "helped"}},
		} {
			events, err := db.AuditSearch(t.Context(), c.query)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			if got := reasons(events); !slices.Equal(got, c.want) {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
		}
		in := must(db.AuditSearch(t.Context(), storage.AuditQuery{OrgID: acme, Event: "session.started"}))(t)
		if e := *in[0]; e.ID == "" || e.Batch != 0 || e != (storage.Event{ID: e.ID, At: noon.Add(3 * time.Minute), Event: "session.started", Result: storage.OK, OrgID: acme, UserID: ada, ClientID: board, Reason: "in", Decision: "company"}) {
			t.Errorf("%+v", e)
		}
		mustSeal(t, db, noon)
		if again := must(db.AuditSearch(t.Context(), storage.AuditQuery{OrgID: acme, Event: "session.started"}))(t); again[0].Batch != 1 || again[0].ID != in[0].ID {
			t.Errorf("sealed: %+v", again[0])
		}
	})
}

// Nobody asks for everything by leaving the company out.
func TestAuditSearchNeedsACompany(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		history(t, db)
		if events, err := db.AuditSearch(t.Context(), storage.AuditQuery{UserID: ada}); err == nil || events != nil {
			t.Fatalf("found %v", reasons(events))
		}
	})
}

// Page by page, every event comes once, those of the same moment too.
func TestAuditSearchPages(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		const events = 97
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			var all []storage.Event
			for i := range events {
				e := storage.Event{At: noon.Add(time.Duration(i/10) * time.Millisecond), Event: "e", OrgID: acme, UserID: ada, ClientID: board, Reason: fmt.Sprint(i)}
				if i%3 == 0 {
					e.UserID, e.Actor = grace, ada
				}
				all = append(all, e)
			}
			return tx.Audit(ctx, all...)
		})
		for name, q := range map[string]storage.AuditQuery{
			"everywhere": {Everywhere: true}, "company": {OrgID: acme}, "person": {OrgID: acme, UserID: ada}, "product": {Everywhere: true, ClientID: board},
		} {
			for _, q.Limit = range []int{1, 7, 97, 1000} {
				seen := make(map[string]bool)
				var last *storage.Event
				err := db.AuditEach(t.Context(), q, func(page []*storage.Event) error {
					if len(page) > q.Limit {
						t.Errorf("%s: a page of %d", name, len(page))
					}
					for _, e := range page {
						if seen[e.ID] || last != nil && e.At.After(last.At) {
							t.Fatalf("%s by %d: %s again or in the wrong order", name, q.Limit, e.Reason)
						}
						seen[e.ID], last = true, e
					}
					return nil
				})
				if err != nil || len(seen) != events {
					t.Errorf("%s by %d: %d of %d events: %v", name, q.Limit, len(seen), events, err)
				}
			}
		}
	})
}

func TestAuditCursor(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		for _, before := range []string{"x", "!", "MTIz", "eCB5", strings.Repeat("A", 40), storage.Event{At: noon, ID: "\x00"}.Cursor(), storage.Event{At: noon}.Cursor()} {
			if _, err := db.AuditSearch(t.Context(), storage.AuditQuery{OrgID: acme, Before: before}); !errors.Is(err, storage.ErrNoCursor) {
				t.Errorf("%q: %v", before, err)
			}
		}
	})
}

// What a caller makes of the pages, its error ends them.
func TestAuditEachEnds(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		history(t, db)
		enough, pages := errors.New("enough"), 0
		err := db.AuditEach(t.Context(), storage.AuditQuery{Everywhere: true, Limit: 2}, func([]*storage.Event) error { pages++; return enough })
		if !errors.Is(err, enough) || pages != 1 {
			t.Fatalf("%d pages: %v", pages, err)
		}
	})
}
