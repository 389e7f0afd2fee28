package storage_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
)

// There is one schema: what one engine has, the other has.
func TestEnginesHaveTheSameSchema(t *testing.T) {
	type schema struct {
		Columns []string // table.column type, and whether it must be set
		Indexes []string
	}
	var both []schema
	eachURL(t, func(t *testing.T, db *storage.DB, url string) {
		raw := outside(t, url)
		var s schema
		for _, table := range tables(t, raw, url) {
			if table == "goose_db_version" {
				continue // goose's own
			}
			query := `SELECT column_name || ' ' || data_type || CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END
				FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1`
			if db.Engine() == "sqlite" {
				// A primary key needs no NOT NULL to be one.
				query = `SELECT name || ' ' || lower(type) || CASE WHEN "notnull" = 1 OR pk > 0 THEN ' NOT NULL' ELSE '' END FROM pragma_table_info($1)`
			}
			for _, c := range column[string](t, raw, query, table) {
				s.Columns = append(s.Columns, fmt.Sprintf("%s.%s", table, c))
			}
		}
		query := `SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%_pkey' AND indexname NOT LIKE '%_key'`
		if db.Engine() == "sqlite" {
			query = `SELECT name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite_autoindex_%'`
		}
		s.Indexes = column[string](t, raw, query)
		slices.Sort(s.Columns)
		slices.Sort(s.Indexes)
		both = append(both, s)
	})
	if len(both) != 2 || len(both[0].Columns) < 100 || len(both[0].Indexes) < 10 {
		t.Fatalf("looked at %+v", both)
	}
	mustEqual(t, both[0], both[1])
	for _, c := range both[0].Columns {
		if !strings.Contains(" text bigint bytea boolean integer ", " "+strings.Fields(c)[1]+" ") {
			t.Errorf("%s is not of the common subset", c)
		}
	}
}
