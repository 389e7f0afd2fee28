package storage_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// patience bounds waiting for what happens in the background; it is only used
// up by a test that fails.
const patience = 20 * time.Second

// eventually asks again and again until the answer is yes.
func eventually(t *testing.T, what string, yes func() bool) {
	t.Helper()
	deadline := time.After(patience)
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for !yes() {
		select {
		case <-deadline:
			t.Fatalf("not within %v: %s", patience, what)
		case <-again.C:
		}
	}
}

// hammer reads from many goroutines until the returned function is called, so
// that changes meet loads at every moment. Between two reads of what may be
// cached lies one that isn't, which leaves the processor to others.
func hammer(t *testing.T, db *storage.DB) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for ctx.Err() == nil {
				_, err := db.Client(ctx, board)
				_, more := db.HasOwner(ctx)
				if err = errors.Join(err, more); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
				runtime.Gosched()
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

func rename(t testing.TB, db *storage.DB, name string) {
	t.Helper()
	mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
		return tx.PutClient(ctx, storage.Client{ID: board, Name: name}, noon)
	})
}

// Whoever changed something sees it when Write has returned, however many were
// just reading what was before.
func TestOwnChangesAreSeenAtOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		defer hammer(t, db)()
		for i := range 200 {
			name := fmt.Sprint("name ", i)
			rename(t, db, name)
			if c := must(db.Client(t.Context(), board))(t); c.Name != name {
				t.Fatalf("after %q was written, %q is read", name, c.Name)
			}
		}
	})
}

// Every kind of cached thing counts the generation up.
func TestEveryChangeIsSeen(t *testing.T) {
	type reads struct{ Org, Client, Clients, Keys string }
	read := func(t *testing.T, db *storage.DB) (r reads) {
		ctx := t.Context()
		if o, err := db.Org(ctx, acme); err == nil {
			r.Org = o.Name
		}
		if c, err := db.Client(ctx, "mail"); err == nil {
			r.Client = c.Name
		}
		for _, c := range must(db.Clients(ctx))(t) {
			r.Clients += c.ID + " "
		}
		for _, k := range must(db.SigningKeys(ctx))(t) {
			r.Keys += k.ID + k.RetiredAt.Format(" 2006")
		}
		return r
	}
	key := storage.SigningKey{ID: "k", Alg: "ES256", CreatedAt: noon, SignsFrom: noon}
	changes := []struct {
		name string
		do   func(context.Context, *storage.Tx) error
		want reads
	}{
		{"a new product", func(ctx context.Context, tx *storage.Tx) error {
			return tx.PutClient(ctx, storage.Client{ID: "mail", Name: "Mail"}, noon)
		}, reads{"Acme", "Mail", "dashboard mail ", ""}},
		{"a changed company", func(ctx context.Context, tx *storage.Tx) error {
			return tx.PutOrg(ctx, storage.Org{ID: acme, Name: "Acme & Co"}, noon)
		}, reads{"Acme & Co", "Mail", "dashboard mail ", ""}},
		{"a product less", func(ctx context.Context, tx *storage.Tx) error { return tx.DeleteClient(ctx, "mail", noon) },
			reads{"Acme & Co", "", "dashboard ", ""}},
		{"a new key", func(ctx context.Context, tx *storage.Tx) error { return tx.InsertSigningKey(ctx, key) },
			reads{"Acme & Co", "", "dashboard ", "k 0001"}},
		{"a retired key", func(ctx context.Context, tx *storage.Tx) error { return tx.RetireSigningKeys(ctx, "ES256", "", noon) },
			reads{"Acme & Co", "", "dashboard ", "k 2026"}},
		{"a key less", func(ctx context.Context, tx *storage.Tx) error {
			_, err := tx.DeleteSigningKeys(ctx, noon.Add(time.Second))
			return err
		}, reads{"Acme & Co", "", "dashboard ", ""}},
	}
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			url := storagetest.URL(t, engine)
			here, there := storagetest.Open(t, url, storage.Options{}), storagetest.Open(t, url, storage.Options{Watch: 2 * time.Millisecond})
			seed(t, here)
			for _, c := range changes {
				mustWrite(t, here, c.do)
				mustEqual(t, read(t, here), c.want)
				eventually(t, "another process sees "+c.name, func() bool { return read(t, there) == c.want })
			}
		})
	}
}

// A value loaded while it was being changed elsewhere must not stay.
func TestChangesElsewhereNeverLeaveStaleValues(t *testing.T) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			url := storagetest.URL(t, engine)
			here, there := storagetest.Open(t, url, storage.Options{}), storagetest.Open(t, url, storage.Options{Watch: time.Millisecond})
			seed(t, here)
			defer hammer(t, there)()
			for i := range 200 {
				name := fmt.Sprint("name ", i)
				rename(t, here, name)
				eventually(t, "another process reads "+name, func() bool { return must(there.Client(t.Context(), board))(t).Name == name })
			}
		})
	}
}

// PostgreSQL tells of changes by itself; nobody has to ask.
func TestNotifiedOfChanges(t *testing.T) {
	url := storagetest.URL(t, "postgres")
	here, there := storagetest.Open(t, url, storage.Options{}), storagetest.Open(t, url, storage.Options{Watch: time.Hour})
	raw := outside(t, url)
	eventually(t, "a connection listens", func() bool {
		return count(t, raw, "pg_stat_activity WHERE query LIKE 'LISTEN%' AND state = 'idle' AND datname = current_database()") == 1
	})
	seed(t, here)
	for i := range 20 {
		name := fmt.Sprint("name ", i)
		rename(t, here, name)
		eventually(t, "another process reads "+name, func() bool { return must(there.Client(t.Context(), board))(t).Name == name })
	}
}

// When the connection that listens is lost, asking goes on, and so does
// listening.
func TestListensAgain(t *testing.T) {
	url := storagetest.URL(t, "postgres")
	here, there := storagetest.Open(t, url, storage.Options{}), storagetest.Open(t, url, storage.Options{Watch: 5 * time.Millisecond})
	seed(t, here)
	raw := outside(t, url)
	const listening = "pg_stat_activity WHERE query LIKE 'LISTEN%' AND state = 'idle' AND datname = current_database()"
	for i := range 3 {
		eventually(t, "a connection listens", func() bool { return count(t, raw, listening) == 1 })
		if killed := column[bool](t, raw, "SELECT pg_terminate_backend(pid, 10000) FROM "+listening); len(killed) != 1 || !killed[0] {
			t.Fatalf("ended %v", killed)
		}
		name := fmt.Sprint("name ", i)
		rename(t, here, name)
		eventually(t, "another process reads "+name, func() bool { return must(there.Client(t.Context(), board))(t).Name == name })
	}
}

// What is not committed is seen by its own transaction, and by nobody else even
// through the cache.
func TestTransactionsReadPastTheCache(t *testing.T) {
	errEnough := errors.New("enough")
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		must(db.Client(t.Context(), board))(t) // now it is cached
		mustRefuse(t, db, errEnough, func(ctx context.Context, tx *storage.Tx) error {
			key := storage.SigningKey{ID: "k", Alg: "ES256", CreatedAt: noon, SignsFrom: noon}
			err := errors.Join(
				tx.PutClient(ctx, storage.Client{ID: board, Name: "Tricked"}, noon),
				tx.PutOrg(ctx, storage.Org{ID: "evil", Name: "Evil"}, noon),
				tx.InsertSigningKey(ctx, key),
			)
			if err != nil {
				return err
			}
			c, clientErr := tx.Client(ctx, board)
			_, orgErr := tx.Org(ctx, "evil")
			keys, keyErr := tx.SigningKeys(ctx)
			all, allErr := tx.Clients(ctx)
			if err := errors.Join(clientErr, orgErr, keyErr, allErr); err != nil {
				return err
			}
			if c.Name != "Tricked" || len(keys) != 1 || all[0].Name != "Tricked" {
				t.Errorf("a transaction doesn't see its own changes: %q, %d keys, %q", c.Name, len(keys), all[0].Name)
			}
			if c := must(db.Client(ctx, board))(t); c.Name != "Dashboard" {
				t.Errorf("others see %q before it is committed", c.Name)
			}
			return errEnough
		})
		if c := must(db.Client(t.Context(), board))(t); c.Name != "Dashboard" {
			t.Errorf("others see %q, which was rolled back", c.Name)
		}
		if _, err := db.Org(t.Context(), "evil"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("others see a company that was rolled back: %v", err)
		}
		if keys := must(db.SigningKeys(t.Context()))(t); len(keys) != 0 {
			t.Errorf("others see %d keys that were rolled back", len(keys))
		}
	})
}
