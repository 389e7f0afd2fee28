package storage

import (
	"context"
	"testing"
	"time"
)

// A value that was read before a change and arrives after it must not stay in
// the cache.
func TestLoadThatRacesAChange(t *testing.T) {
	db := openSQLiteForTest(t)
	value, loads := "old", 0
	read := func(during func()) string {
		t.Helper()
		v, err := cached(db.Reader, "key", func() (string, error) {
			loads++
			v := value
			during()
			return v, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	change := func(how func()) func() {
		return func() {
			value += "er"
			how()
		}
	}
	for _, how := range []func(){
		func() { // by this process
			if err := db.Write(t.Context(), func(tx *Tx) error {
				return tx.PutOrg(t.Context(), Org{ID: "acme", Name: "Acme"}, time.UnixMilli(0))
			}); err != nil {
				t.Fatal(err)
			}
		},
		db.cache.drop, // as watch does for others'
	} {
		before := value
		if v := read(change(how)); v != before {
			t.Fatalf("the load that was overtaken returned %q", v)
		}
		for range 2 {
			if v := read(func() {}); v != value {
				t.Fatalf("%q stays when it is %q", v, value)
			}
		}
		db.cache.drop()
	}
	if loads != 4 {
		t.Fatalf("%d loads: nothing was cached", loads)
	}
}

// What was changed in a transaction whose COMMIT had no answer may have
// happened: nothing is kept.
func TestFailedCommitDropsTheCache(t *testing.T) {
	db := openSQLiteForTest(t)
	kept := db.cache.current()
	errs := writeInOneGroup(t, db, func(ctx context.Context, tx *Tx) error {
		if _, err := tx.run.exec(ctx, `PRAGMA defer_foreign_keys = 1`); err != nil {
			return err
		}
		tx.changedCached = true
		return tx.SeeNetwork(ctx, "nobody", "192.0.2.0/24", time.UnixMilli(0))
	})
	if errs[0] == nil {
		t.Fatal("the commit went well")
	}
	if db.cache.current() == kept {
		t.Fatal("the cache was kept")
	}
}
