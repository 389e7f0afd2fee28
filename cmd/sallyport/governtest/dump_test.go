package governtest

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// tables look at the database beside the provider, by one connection that
// never writes.
type tables struct {
	db    *sql.DB
	names []string
	// mark is a query whose answer changes with every transaction that wrote;
	// at is its answer when all of last was read.
	mark, at string
	last     seen
}

func openTables(t *testing.T, engine, databaseURL string) *tables {
	t.Helper()
	driver, source, list := "pgx", databaseURL, `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`
	all := &tables{mark: `SELECT CAST(pg_snapshot_xmax(pg_current_snapshot()) AS TEXT)`}
	if engine == "sqlite" {
		all.mark = `PRAGMA data_version`
		driver, source = "sqlite", strings.TrimPrefix(databaseURL, "sqlite:")+"?_pragma=busy_timeout(10000)"
		list = `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	all.db = db
	all.names = append(all.names, all.rows(t, list)...)
	if len(all.names) < 20 {
		t.Fatalf("tables: %v", all.names)
	}
	return all
}

// seen is all there is in the database, row by row, sorted.
type seen []string

// look reads all there is but the audit, in which refusals may be, and when
// sessions were last used.
func (all *tables) look(t *testing.T) (rows seen) {
	t.Helper()
	mark := all.rows(t, all.mark)[0]
	if mark == all.at {
		return all.last
	}
	for _, name := range all.names {
		query := `SELECT * FROM ` + name
		switch {
		case strings.HasPrefix(name, "audit"):
			continue
		case name == "sessions":
			query = `SELECT id, user_id, ended_at FROM sessions`
		}
		for _, row := range all.rows(t, query) {
			rows = append(rows, name+": "+row)
		}
	}
	slices.Sort(rows)
	all.at, all.last = mark, rows
	return rows
}

func (all *tables) rows(t *testing.T, query string) (texts []string) {
	t.Helper()
	rows, err := all.db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		row, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		var cells []string
		for _, value := range row {
			if b, isBytes := value.([]byte); isBytes {
				value = fmt.Sprintf("%x", b)
			}
			cells = append(cells, fmt.Sprint(value))
		}
		texts = append(texts, strings.Join(cells, " "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return texts
}

// changes are the rows that differ, in at most a few lines.
func (rows seen) changes(after seen) string {
	if slices.Equal(rows, after) {
		return ""
	}
	var out []string
	only := func(sign string, these, those seen) {
		there := make(map[string]bool, len(those))
		for _, row := range those {
			there[row] = true
		}
		for _, row := range these {
			if !there[row] && len(out) < 8 {
				out = append(out, fmt.Sprintf("%s %.300s", sign, row))
			}
		}
	}
	only("-", rows, after)
	only("+", after, rows)
	return strings.Join(out, "\n")
}
