package storagetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func mustConnect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func mustExec(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func mustQuery[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestPostgresGivesEachTestItsOwnDatabase(t *testing.T) {
	first := mustConnect(t, Postgres(t))
	mustExec(t, first, "CREATE TABLE person (name text)")
	second := mustConnect(t, Postgres(t))
	mustExec(t, second, "CREATE TABLE person (name text)") // would exist already if it were shared
}

func TestPostgresDropsTheDatabaseAtCleanup(t *testing.T) {
	var name string
	t.Run("uses one", func(t *testing.T) {
		conn := mustConnect(t, Postgres(t))
		name = mustQuery[string](t, conn, "SELECT current_database()")
	})
	watcher := mustConnect(t, Postgres(t))
	if n := mustQuery[int](t, watcher, "SELECT count(*) FROM pg_database WHERE datname = $1", name); n != 0 {
		t.Errorf("database %s outlived its test", name)
	}
}

func TestServerSettings(t *testing.T) {
	conn := mustConnect(t, Postgres(t))
	want := map[string]string{"fsync": "on", "server_encoding": "UTF8"}
	if os.Getenv(URLVariable) == "" {
		want["listen_addresses"], want["max_connections"] = "", "200"
	}
	for name, value := range want {
		if got := mustQuery[string](t, conn, "SELECT current_setting($1)", name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
}

func TestPostgresTemplateIsPreparedOnce(t *testing.T) {
	var prepared atomic.Int32
	prepare := func(url string) error {
		prepared.Add(1)
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			return err
		}
		_, err = conn.Exec(t.Context(), "CREATE TABLE person (name text); INSERT INTO person VALUES ('Ana')")
		return errors.Join(err, conn.Close(t.Context()))
	}
	t.Run("copies", func(t *testing.T) {
		for range 6 {
			t.Run("copy", func(t *testing.T) {
				t.Parallel()
				conn := mustConnect(t, PostgresTemplate(t, "people", prepare))
				mustExec(t, conn, "INSERT INTO person VALUES ('Olga')")
				if n := mustQuery[int](t, conn, "SELECT count(*) FROM person"); n != 2 {
					t.Errorf("%d people, want Ana of the template and the copy's own", n)
				}
			})
		}
	})
	if n := prepared.Load(); n > 1 {
		t.Errorf("prepared %d times", n)
	}
}

// failing stands in for a test that is meant to fail.
type failing struct {
	testing.TB
	message string
}

func (f *failing) Helper() {}
func (f *failing) Fatalf(format string, args ...any) {
	for _, arg := range args {
		if err, ok := arg.(error); ok {
			f.message = err.Error()
		}
	}
	panic(f)
}

// mustFail runs f with a test double and returns what it failed with.
func mustFail(t *testing.T, f func(testing.TB)) string {
	t.Helper()
	double := &failing{TB: t}
	func() {
		defer func() {
			if r := recover(); r != nil && r != double {
				panic(r)
			}
		}()
		f(double)
	}()
	if double.message == "" {
		t.Fatal("did not fail")
	}
	return double.message
}

func TestPostgresTemplateFailsEveryTestWithTheReason(t *testing.T) {
	for range 2 {
		got := mustFail(t, func(t testing.TB) {
			PostgresTemplate(t, "broken", func(string) error { return errors.New("migration 7 is wrong") })
		})
		if got != "migration 7 is wrong" {
			t.Errorf("failed with %q", got)
		}
	}
}

func TestFirstWithBothWantsAWholeServer(t *testing.T) {
	clientOnly, whole := t.TempDir(), t.TempDir()
	for _, file := range []string{clientOnly + "/initdb", whole + "/initdb", whole + "/postgres"} {
		if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	got, err := firstWithBoth([]string{t.TempDir(), clientOnly, whole})
	if err != nil {
		t.Fatal(err)
	}
	if want := (binaries{filepath.Join(whole, "initdb"), filepath.Join(whole, "postgres")}); got != want {
		t.Errorf("found %v, want %v", got, want)
	}
	if _, err := firstWithBoth([]string{clientOnly}); err == nil || !strings.Contains(err.Error(), "apt-get install postgresql") {
		t.Errorf("the error should say what to install, got %v", err)
	}
}

func TestNewestVersionFirst(t *testing.T) {
	dirs := []string{"/usr/lib/postgresql/9.6/bin", "/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/17/bin"}
	slices.SortFunc(dirs, func(a, b string) int { return version(b) - version(a) })
	if dirs[0] != "/usr/lib/postgresql/17/bin" {
		t.Errorf("would use %s", dirs[0])
	}
}
