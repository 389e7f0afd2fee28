package storage

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func openSQLiteForTest(t *testing.T) *DB {
	t.Helper()
	url, o := "sqlite:"+filepath.Join(t.TempDir(), "test.db"), Options{MasterKey: bytes.Repeat([]byte{7}, 32)}
	if _, err := Migrate(t.Context(), url, o); err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// writeInOneGroup runs transactions in one group, in their order, and returns
// their errors.
func writeInOneGroup(t *testing.T, db *DB, fns ...func(context.Context, *Tx) error) []error {
	t.Helper()
	done := make([]chan error, len(fns))
	queued := make(chan struct{})
	start := func(i int, wait func()) {
		done[i] = make(chan error, 1)
		go func() {
			done[i] <- db.Write(t.Context(), func(tx *Tx) error {
				wait()
				return fns[i](t.Context(), tx)
			})
		}()
	}
	running := make(chan struct{})
	start(0, func() { close(running); <-queued })
	<-running
	for i := 1; i < len(fns); i++ {
		start(i, func() {})
		for len(db.group.jobs) < i {
			runtime.Gosched()
		}
	}
	close(queued)
	errs := make([]error, len(fns))
	for i := range done {
		errs[i] = <-done[i]
	}
	return errs
}

func putRow(name string) func(context.Context, *Tx) error {
	return func(ctx context.Context, tx *Tx) error {
		at := time.UnixMilli(0)
		return tx.InsertLink(ctx, Link{Hash: name, Purpose: name, CreatedAt: at, ExpiresAt: at})
	}
}

func mustHave(t *testing.T, db *DB, want bool, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := db.Link(t.Context(), name); (err == nil) != want || err != nil && !errors.Is(err, ErrNotFound) {
			t.Errorf("row %s: %v, want it there: %v", name, err, want)
		}
	}
}

func TestGroupIsOneCommit(t *testing.T) {
	db := openSQLiteForTest(t)
	errs := writeInOneGroup(t, db, putRow("a"), putRow("b"), func(ctx context.Context, tx *Tx) error {
		_, err := tx.Link(ctx, "a") // of another caller, which isn't committed yet
		mustHave(t, db, false, "a", "b")
		return err
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	mustHave(t, db, true, "a", "b")
}

// A caller who goes away must not interrupt the connection that others share:
// its statements run to their end.
func TestGroupIgnoresCancellation(t *testing.T) {
	db := openSQLiteForTest(t)
	errs := writeInOneGroup(t, db, putRow("a"), func(ctx context.Context, tx *Tx) error {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		_, lookErr := tx.Link(ctx, "a")
		_, listErr := tx.Clients(ctx)
		return errors.Join(putRow("b")(ctx, tx), lookErr, listErr)
	}, putRow("c"))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	mustHave(t, db, true, "a", "b", "c")
}

// SQLite may give up a whole transaction for one statement's sake, for example
// when the disk is full. Nobody of the group is told that it went well then,
// and of nobody a row stays.
func TestGroupLosesItsTransaction(t *testing.T) {
	db := openSQLiteForTest(t)
	errs := writeInOneGroup(t, db,
		putRow("before"),
		func(ctx context.Context, tx *Tx) error {
			_, err := tx.run.exec(ctx, `ROLLBACK`)
			return errors.Join(err, errors.New("disk full"))
		},
		putRow("after"),
	)
	if errs[0] == nil || errs[1] == nil || errs[1].Error() != "disk full" {
		t.Errorf("those of the lost transaction were told %v", errs[:2])
	}
	mustHave(t, db, false, "before")
	mustHave(t, db, errs[2] == nil, "after")
	if err := db.Write(t.Context(), func(tx *Tx) error { return putRow("next")(t.Context(), tx) }); err != nil {
		t.Fatalf("the writer is stuck: %v", err)
	}
	mustHave(t, db, true, "next")
}

// A COMMIT that fails takes everybody's work with it, and everybody is told.
func TestGroupCommitFails(t *testing.T) {
	db := openSQLiteForTest(t)
	errs := writeInOneGroup(t, db,
		putRow("a"),
		func(ctx context.Context, tx *Tx) error {
			if _, err := tx.run.exec(ctx, `PRAGMA defer_foreign_keys = 1`); err != nil {
				return err
			}
			return tx.SeeNetwork(ctx, "nobody", "192.0.2.0/24", time.UnixMilli(0))
		},
		putRow("b"),
	)
	for i, err := range errs {
		if err == nil || !strings.Contains(err.Error(), "commit") {
			t.Errorf("caller %d was told %v", i, err)
		}
	}
	mustHave(t, db, false, "a", "b")
	if err := db.Write(t.Context(), func(tx *Tx) error { return putRow("next")(t.Context(), tx) }); err != nil {
		t.Fatalf("the writer is stuck: %v", err)
	}
}
