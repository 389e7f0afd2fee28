package storage

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What belongs to a product is found without a look at everybody else's: its
// going writes while nobody else can.
func TestRowsOfAProductAreFoundByIndex(t *testing.T) {
	url, o := "sqlite:"+filepath.Join(t.TempDir(), "plan.db"), Options{MasterKey: bytes.Repeat([]byte{7}, 32)}
	if _, err := Migrate(t.Context(), url, o); err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	text := func(row scanner) (s string, err error) { return s, row.Scan(&s) }
	tables, err := list(db.run, t.Context(), "tables", text,
		`SELECT t.name FROM sqlite_master t, pragma_foreign_key_list(t.name) k WHERE t.type = 'table' AND k."table" = 'clients' AND k."from" = 'client_id'`)
	if err != nil || len(tables) < 6 || !slices.Contains(tables, "grants") {
		t.Fatalf("tables of products: %v, %v", tables, err)
	}
	for _, table := range tables {
		plan, err := list(db.run, t.Context(), "plan", func(row scanner) (step string, err error) {
			var id, parent, unused int
			return step, row.Scan(&id, &parent, &unused, &step)
		}, "EXPLAIN QUERY PLAN SELECT 1 FROM "+table+" WHERE client_id = $1", "c")
		if err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(plan, "\n"); !strings.HasPrefix(all, "SEARCH "+table+" ") {
			t.Errorf("%s: %s", table, all)
		}
	}
}
