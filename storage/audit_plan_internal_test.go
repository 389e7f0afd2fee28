package storage

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Among millions of rows, each search goes by the index that has the fewest to
// look through, in their order: nothing is scanned as a whole, and nothing
// sorted but rows of the same millisecond.
func TestAuditSearchPlans(t *testing.T) {
	url, o := "sqlite:"+filepath.Join(t.TempDir(), "plan.db"), Options{MasterKey: bytes.Repeat([]byte{7}, 32)}
	if _, err := Migrate(t.Context(), url, o); err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name    string
		query   AuditQuery
		indexes []string
	}{
		{"everywhere", AuditQuery{Everywhere: true}, []string{"audit_at"}},
		{"company", AuditQuery{OrgID: "o"}, []string{"audit_org"}},
		{"product", AuditQuery{Everywhere: true, ClientID: "c"}, []string{"audit_client"}},
		{"product of a company", AuditQuery{OrgID: "o", ClientID: "c"}, []string{"audit_org"}},
		{"person", AuditQuery{Everywhere: true, UserID: "u"}, []string{"audit_user", "audit_actor"}},
		{"person of a company", AuditQuery{OrgID: "o", UserID: "u"}, []string{"audit_user", "audit_actor"}},
		{"person and product", AuditQuery{OrgID: "o", UserID: "u", ClientID: "c"}, []string{"audit_user", "audit_actor"}},
	} {
		for _, more := range []AuditQuery{{}, {Event: "password.", Result: OK}, {Event: "session.started"}, {From: now, Until: now, Before: Event{At: now, ID: "x"}.Cursor()}} {
			q := c.query
			q.Event, q.Result, q.From, q.Until, q.Before = more.Event, more.Result, more.From, more.Until, more.Before
			query, args, err := q.sql()
			if err != nil {
				t.Fatal(err)
			}
			plan, err := list(db.run, t.Context(), "plan", func(row scanner) (step string, err error) {
				var id, parent, unused int
				return step, row.Scan(&id, &parent, &unused, &step)
			}, "EXPLAIN QUERY PLAN "+query, args...)
			if err != nil {
				t.Fatal(err)
			}
			all := strings.Join(plan, "\n")
			for _, index := range c.indexes {
				if !strings.Contains(all, "SEARCH audit USING INDEX "+index+" ") {
					t.Errorf("%s %+v: not by %s:\n%s", c.name, more, index, all)
				}
			}
			for _, step := range plan {
				sorts := strings.Contains(step, "TEMP B-TREE FOR") && !strings.Contains(step, "LAST TERM OF ORDER BY")
				if sorts && len(c.indexes) == 1 || strings.HasPrefix(step, "SCAN audit") {
					t.Errorf("%s %+v: %s\n%s", c.name, more, step, all)
				}
			}
		}
	}
}
