package storage_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// noon is when the tests begin; what they keep has whole milliseconds.
var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// eachURL is storagetest.Each for tests that also look at the database from
// outside.
func eachURL(t *testing.T, test func(t *testing.T, db *storage.DB, url string)) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			url := storagetest.URL(t, engine)
			test(t, storagetest.Open(t, url, storage.Options{}), url)
		})
	}
}

// outside opens a database past package storage.
func outside(t testing.TB, url string) *sql.DB {
	t.Helper()
	driver, source := "pgx", url
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, source = "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// mustWrite runs one statement of storage in a transaction of its own.
func mustWrite(t testing.TB, db *storage.DB, fn func(ctx context.Context, tx *storage.Tx) error) {
	t.Helper()
	if err := write(t, db, fn); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, db *storage.DB, fn func(ctx context.Context, tx *storage.Tx) error) error {
	t.Helper()
	return db.Write(t.Context(), func(tx *storage.Tx) error { return fn(t.Context(), tx) })
}

// mustRefuse fails unless a transaction ends in want.
func mustRefuse(t testing.TB, db *storage.DB, want error, fn func(ctx context.Context, tx *storage.Tx) error) {
	t.Helper()
	if err := write(t, db, fn); !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

// mustEqual compares what was read with what was written.
func mustEqual[T any](t testing.TB, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(storage.User{}, storage.AuthRequest{})); diff != "" {
		t.Fatalf("(-want +got)\n%s", diff)
	}
}

// must returns what was read, and ends the test where that failed.
func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// The one company, product and person that most tests need.
const (
	acme  = "acme"
	board = "dashboard"
	ada   = "ada"
)

func seed(t testing.TB, db *storage.DB) {
	t.Helper()
	mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
		return errors.Join(
			tx.PutOrg(ctx, storage.Org{ID: acme, Name: "Acme"}, noon),
			tx.PutClient(ctx, storage.Client{ID: board, Name: "Dashboard"}, noon),
			tx.InsertUser(ctx, person(ada), noon),
		)
	})
}

// person is somebody of Acme's, with no more than every person has.
func person(id string) storage.User {
	return storage.User{ID: id, OrgID: acme, Email: id + "@acme.example", Kind: "staff", Role: "member"}
}

// grant is what the dashboard holds of a session of Ada's; its code is its id.
func grant(id, sessionID string) storage.Grant {
	return storage.Grant{
		ID: id, ClientID: board, UserID: ada, SessionID: sessionID, Scope: "openid", CodeHash: storage.Hash(id),
		CodeExpiresAt: noon.Add(time.Minute), CreatedAt: noon, ExpiresAt: noon.Add(30 * 24 * time.Hour),
	}
}

// browser is a session of Ada's; its cookie's secret is its id.
func browser(id string) storage.Session {
	return storage.Session{ID: id, SecretHash: storage.Hash(id), UserID: ada, CreatedAt: noon, LastSeenAt: noon, ExpiresAt: noon.Add(12 * time.Hour)}
}

// refresh is a refresh token by its name.
func refresh(name, grantID, parent string) storage.Token {
	return storage.Token{
		Hash: storage.Hash(name), Kind: storage.RefreshToken, GrantID: grantID, Parent: parent, Scope: "openid",
		CreatedAt: noon, ExpiresAt: noon.Add(30 * 24 * time.Hour),
	}
}

// atOnce calls fn from many goroutines that start together, and returns their
// errors.
func atOnce(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}

// tables lists the tables of a database.
func tables(t testing.TB, db *sql.DB, url string) []string {
	t.Helper()
	query := `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name`
	if strings.HasPrefix(url, "sqlite:") {
		query = `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`
	}
	return column[string](t, db, query)
}

// column collects the values of a query's only column.
func column[T any](t testing.TB, db *sql.DB, query string, args ...any) []T {
	t.Helper()
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		all = append(all, v)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return all
}

// count is the number of rows of a table, or of those WHERE a condition holds.
func count(t testing.TB, db *sql.DB, rows string) int {
	t.Helper()
	return column[int](t, db, "SELECT COUNT(*) FROM "+rows)[0]
}

// contents is every value of every row of every table, by table.
func contents(t testing.TB, db *sql.DB, url string) map[string][]string {
	t.Helper()
	all := make(map[string][]string)
	for _, table := range tables(t, db, url) {
		all[table] = values(t, db, table)
	}
	return all
}

func values(t testing.TB, db *sql.DB, table string) (all []string) {
	t.Helper()
	rows, err := db.Query("SELECT * FROM " + table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	row, targets := make([]any, len(names)), make([]any, len(names))
	for i := range row {
		targets[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		for _, v := range row {
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			all = append(all, fmt.Sprint(v))
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
