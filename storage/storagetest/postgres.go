// Package storagetest gives tests a real database to talk to.
//
// [Postgres] hands out empty databases of a throwaway PostgreSQL server, which
// starts with the first test that asks and lives as long as the test binary.
// The server listens on a unix socket in a temporary directory of its own, so
// any number of test binaries run side by side. It syncs to disk like one in
// production: what a test sees committed has been written.
//
// When SALLYPORT_TEST_POSTGRES_URL names a server that already runs, as a
// superuser (postgres://postgres:secret@127.0.0.1:5432/postgres), the databases
// are made there and nothing is started.
//
// A package that uses it stops the server, or tidies the one it was lent, with
//
//	func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }
package storagetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// URLVariable is the environment variable that lends the tests a running
// server instead of a throwaway one.
const URLVariable = "SALLYPORT_TEST_POSTGRES_URL"

// patience is how long one administrative statement, or the start of the
// server, may take on a busy machine.
const patience = time.Minute

// server is the one PostgreSQL server of this test binary. It belongs to the
// process because starting it costs seconds and a test only needs a database.
var server postgres

// postgres is a server and the databases made on it for the whole binary.
type postgres struct {
	once      sync.Once
	err       error    // why there is no server
	cluster   *cluster // nil when the server was lent to us
	superuser string   // URL of a database to administer from

	mu        sync.Mutex
	templates map[string]*template
}

// Main runs the tests, then stops the server and removes what was made for
// them. It returns the code to exit with.
func Main(m *testing.M) int {
	code := m.Run()
	if err := server.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "storagetest:", err)
		return max(code, 1)
	}
	return code
}

// Postgres returns the URL of a new, empty database, which is dropped when the
// test ends. It fails the test when there is no server to be had; the message
// says what to install.
func Postgres(t testing.TB) string {
	t.Helper()
	server.need(t)
	return server.database(t, "template0")
}

// need starts the server unless it runs.
func (s *postgres) need(t testing.TB) {
	t.Helper()
	s.once.Do(func() {
		s.err = errors.New("the start was interrupted")
		s.err = s.start()
	})
	if s.err != nil {
		t.Fatalf("PostgreSQL for the tests: %v", s.err)
	}
}

func (s *postgres) start() error {
	if lent := os.Getenv(URLVariable); lent != "" {
		if u, err := url.Parse(lent); err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
			return fmt.Errorf("%s must be a URL like postgres://postgres@127.0.0.1:5432/postgres", URLVariable)
		}
		s.superuser = lent
		return s.exec("SELECT 1")
	}
	c, err := startCluster()
	if err != nil {
		return err
	}
	s.cluster, s.superuser = c, c.url("postgres")
	return nil
}

// stop removes the templates from a lent server and stops our own.
func (s *postgres) stop() error {
	if s.cluster != nil {
		return s.cluster.stop()
	}
	var errs []error
	for _, t := range s.templates {
		if t.database != "" {
			errs = append(errs, s.drop(t.database))
		}
	}
	return errors.Join(errs...)
}

// database copies the template into a database for this test and returns its
// URL.
func (s *postgres) database(t testing.TB, template string) string {
	t.Helper()
	name := newName("test")
	if err := s.create(name, template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.drop(name); err != nil {
			t.Error(err)
		}
	})
	return s.url(name)
}

// create makes a database in UTF-8 whatever the server's own default is.
func (s *postgres) create(name, template string) error {
	err := s.exec("CREATE DATABASE " + name + " TEMPLATE " + template + " ENCODING 'UTF8'")
	if err != nil {
		return fmt.Errorf("create database: %w", err)
	}
	return nil
}

// drop removes a database even under the feet of connections still open: a
// test that leaks one should fail for its own reasons.
func (s *postgres) drop(name string) error {
	if err := s.exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
		return fmt.Errorf("drop database: %w", err)
	}
	return nil
}

// url is the superuser's URL with another database in it.
func (s *postgres) url(database string) string {
	u, err := url.Parse(s.superuser)
	if err != nil {
		panic(err) // start parsed it
	}
	u.Path = "/" + database
	return u.String()
}

// exec runs one administrative statement on a connection of its own. It takes
// no context of the test's, because cleanup runs after that has ended.
func (s *postgres) exec(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.superuser)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

// newName is a database name nobody else uses, also on a server that several
// test binaries share. It needs no quoting.
func newName(purpose string) string {
	return "sallyport_" + purpose + "_" + strings.ToLower(rand.Text())
}
