package storage_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(writerVariable); url != "" {
		os.Exit(writeUntilKilled(url))
	}
	os.Exit(storagetest.Main(m))
}

func TestOpen(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		if err := db.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		if owner, err := db.HasOwner(t.Context()); err != nil || owner {
			t.Fatalf("a new database has an owner: %v, %v", owner, err)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"":                       "expected sqlite:PATH or postgres://",
		"mysql://localhost":      "expected sqlite:PATH or postgres://",
		"sqlite:":                "needs a path",
		"sqlite:" + file + "/db": "database folder",
		"postgres://host:port/":  "database URL",
		"postgres:///sallyport?host=" + filepath.Dir(file): "reach PostgreSQL",
	} {
		if _, err := storage.Open(t.Context(), url, storage.Options{MasterKey: storagetest.Key}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", url, err, want)
		}
	}
	if _, err := storage.Open(t.Context(), "sqlite:"+file, storage.Options{MasterKey: storagetest.Key[:31]}); err == nil || !strings.Contains(err.Error(), "expected 32 bytes, got 31") {
		t.Errorf("a short master key: %v", err)
	}
}

func TestEngine(t *testing.T) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			if db := storagetest.Open(t, storagetest.URL(t, engine), storage.Options{}); db.Engine() != engine {
				t.Fatalf("it says %q", db.Engine())
			}
		})
	}
}

// Statements counts what a request costs: no more than its statements, and no
// less.
func TestStatements(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return errors.Join(tx.InsertSession(ctx, browser("s")), tx.InsertGrant(ctx, grant("g", "s")), tx.InsertTokens(ctx, access("a", "g", ""), refresh("r", "g", "")))
		})
		for _, c := range []struct {
			name string
			want int64
			do   func(ctx context.Context) error
		}{
			{"nothing", 0, func(context.Context) error { return nil }},
			{"an empty transaction", 0, func(ctx context.Context) error { return db.Write(ctx, func(*storage.Tx) error { return nil }) }},
			{"a product not yet cached", 1, func(ctx context.Context) error { _, err := db.Client(ctx, board); return err }},
			{"a cached product", 0, func(ctx context.Context) error { _, err := db.Client(ctx, board); return err }},
			{"a session", 1, func(ctx context.Context) error {
				_, err := db.SignedIn(ctx, storage.Hash("s"), board, idle, noon)
				return err
			}},
			{"an access token", 1, func(ctx context.Context) error {
				_, _, err := db.AccessTokenStanding(ctx, storage.AccessToken, storage.Hash("a"), noon)
				return err
			}},
			{"a refresh", 4, func(ctx context.Context) error {
				return db.Write(ctx, func(tx *storage.Tx) error {
					token, err := tx.SpendRefreshToken(ctx, storage.Hash("r"), noon)
					if err != nil {
						return err
					}
					_, err = tx.Standing(ctx, token.GrantID, noon)
					return errors.Join(err, tx.InsertTokens(ctx, access("a2", "g", storage.Hash("r")), refresh("r2", "g", storage.Hash("r"))),
						tx.Audit(ctx, storage.Event{At: noon, Event: "token.refreshed"}))
				})
			}},
			{"a try", 1, func(ctx context.Context) error {
				return db.Write(ctx, func(tx *storage.Tx) error {
					_, err := tx.CountAttempt(ctx, "c", storage.Backoff{}, noon)
					return err
				})
			}},
			{"a rolled back statement", 1, func(ctx context.Context) error {
				err := db.Write(ctx, func(tx *storage.Tx) error { return tx.SpendLink(ctx, "unknown", noon) })
				if !errors.Is(err, storage.ErrSpent) {
					return err
				}
				return nil
			}},
		} {
			before := db.Statements()
			if err := c.do(t.Context()); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if n := db.Statements() - before; n != c.want {
				t.Errorf("%s took %d statements, want %d", c.name, n, c.want)
			}
		}
	})
}

// A pool as small as the operator asks for is enough, also while this process
// listens for changes.
func TestSmallPool(t *testing.T) {
	url := storagetest.Postgres(t) + "&pool_max_conns=1"
	if _, err := storage.Migrate(t.Context(), url, storage.Options{MasterKey: storagetest.Key}); err != nil {
		t.Fatal(err)
	}
	db := storagetest.Open(t, url, storage.Options{Watch: time.Hour})
	seed(t, db)
	for _, err := range atOnce(50, func(i int) error {
		return errors.Join(db.Ping(t.Context()), write(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return tx.SeeNetwork(ctx, ada, fmt.Sprint(i), noon)
		}))
	}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	raw := outside(t, strings.TrimSuffix(url, "&pool_max_conns=1"))
	if n := count(t, raw, "pg_stat_activity WHERE application_name = 'sallyport' AND datname = current_database() AND query NOT LIKE 'LISTEN%'"); n > 1 {
		t.Fatalf("a pool of one has %d connections", n)
	}
}
