package storage_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// put writes one row that can be asked for by its name.
func put(name string) func(context.Context, *storage.Tx) error {
	return insertLink(link(name, name, ""))
}

func has(t *testing.T, db *storage.DB, name string) bool {
	t.Helper()
	_, err := db.Link(t.Context(), name)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

// Many callers share one commit on SQLite; what goes wrong with one of them is
// nobody else's matter.
func TestWriteKeepsCallersApart(t *testing.T) {
	errMine := errors.New("mine")
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		const callers = 60
		for round := range 10 {
			name := func(i int) string { return fmt.Sprint(round, "-", i) }
			panics := make([]any, callers)
			errs := atOnce(callers, func(i int) (err error) {
				defer func() { panics[i] = recover() }()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				return db.Write(ctx, func(tx *storage.Tx) error {
					if err := put(name(i))(ctx, tx); err != nil {
						return err
					}
					switch i % 5 {
					case 0:
						return errMine
					case 1:
						panic(i)
					case 2: // a statement that fails
						return insertLink(link(name(i), "another purpose", ""))(ctx, tx)
					case 3:
						cancel()
						return put(name(i)+"-more")(ctx, tx)
					}
					return nil
				})
			})
			for i, err := range errs {
				there := has(t, db, name(i))
				switch i % 5 {
				case 0:
					if err != errMine || there {
						t.Fatalf("an error came back as %v; its row is there: %v", err, there)
					}
				case 1:
					if panics[i] != i || there {
						t.Fatalf("a panic came back as %v; its row is there: %v", panics[i], there)
					}
				case 2:
					if !errors.Is(err, storage.ErrTaken) || there {
						t.Fatalf("a failed statement came back as %v; its row is there: %v", err, there)
					}
				case 3:
					if all := there && has(t, db, name(i)+"-more"); all != (err == nil) || there != all {
						t.Fatalf("cancelled in the middle: %v, but the first row is there: %v, both: %v", err, there, all)
					}
				case 4:
					if err != nil || panics[i] != nil || !there {
						t.Fatalf("others' trouble reached an innocent: %v, %v, there: %v", err, panics[i], there)
					}
				}
			}
		}
	})
}

func TestWriteAfterCancellation(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := db.Write(ctx, func(*storage.Tx) error { t.Error("it ran"); return nil }); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	})
}

func TestWriteSeesItsOwn(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			if err := put("a")(ctx, tx); err != nil {
				return err
			}
			if has(t, db, "a") {
				t.Error("others see what is not committed")
			}
			_, err := tx.Link(ctx, "a")
			return err
		})
		if !has(t, db, "a") {
			t.Error("it is not there when Write has returned")
		}
	})
}

// Close lets nobody believe that a row was kept which wasn't, and leaves nobody
// waiting.
func TestClose(t *testing.T) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			url := storagetest.URL(t, engine)
			db, err := storage.Open(t.Context(), url, storage.Options{MasterKey: storagetest.Key})
			if err != nil {
				t.Fatal(err)
			}
			const callers, rows = 30, 100
			kept := make([]int, callers)
			atOnce(callers, func(i int) error {
				for n := range rows {
					if i == 0 && n == 20 {
						return db.Close()
					}
					if err := db.Write(t.Context(), func(tx *storage.Tx) error { return put(fmt.Sprint(i, "-", n))(t.Context(), tx) }); err != nil {
						return err
					}
					kept[i]++
				}
				return nil
			})
			if err := db.Write(t.Context(), func(*storage.Tx) error { t.Error("it ran"); return nil }); err == nil {
				t.Error("a closed database was written to")
			}
			if err := db.Ping(t.Context()); err == nil {
				t.Error("a closed database answers")
			}
			if _, err := db.Link(t.Context(), "0-0"); err == nil || errors.Is(err, storage.ErrNotFound) {
				t.Errorf("a closed database says %v", err)
			}
			again := storagetest.Open(t, url, storage.Options{})
			for i := range kept {
				for n := range kept[i] {
					if !has(t, again, fmt.Sprint(i, "-", n)) {
						t.Fatalf("%d-%d was acknowledged and lost", i, n)
					}
				}
			}
		})
	}
}

// Every row that many writers were told of is there, and visible to another
// process, when they are.
func TestParallelWriters(t *testing.T) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			url := storagetest.URL(t, engine)
			db, other := storagetest.Open(t, url, storage.Options{}), storagetest.Open(t, url, storage.Options{})
			for _, err := range atOnce(50, func(i int) error {
				for n := range 20 {
					name := fmt.Sprint(i, "-", n)
					if err := write(t, db, put(name)); err != nil {
						return err
					}
					if _, err := other.Link(t.Context(), name); err != nil {
						return err
					}
				}
				return nil
			}) {
				if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// Two processes on one SQLite file, or two replicas, write side by side.
func TestTwoProcessesWrite(t *testing.T) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			url := storagetest.URL(t, engine)
			dbs := []*storage.DB{storagetest.Open(t, url, storage.Options{}), storagetest.Open(t, url, storage.Options{})}
			for _, err := range atOnce(20, func(i int) error {
				for n := range 20 {
					if err := write(t, dbs[i%2], put(fmt.Sprint(i, "-", n))); err != nil {
						return err
					}
				}
				return nil
			}) {
				if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
