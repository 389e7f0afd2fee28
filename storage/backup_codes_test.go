package storage_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func mustCountCodes(t *testing.T, db *storage.DB, left, made int) {
	t.Helper()
	l, m, err := db.BackupCodes(t.Context(), ada)
	if err != nil || l != left || m != made {
		t.Fatalf("%d of %d codes left (%v), want %d of %d", l, m, err, left, made)
	}
}

func TestBackupCodes(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustCountCodes(t, db, 0, 0)
		replace := func(hashes ...string) func(context.Context, *storage.Tx) error {
			return func(ctx context.Context, tx *storage.Tx) error { return tx.ReplaceBackupCodes(ctx, ada, hashes, noon) }
		}
		spend := func(user, hash string) func(context.Context, *storage.Tx) error {
			return func(ctx context.Context, tx *storage.Tx) error { return tx.SpendBackupCode(ctx, user, hash, noon) }
		}
		mustWrite(t, db, replace("a", "b", "c"))
		mustCountCodes(t, db, 3, 3)
		mustRefuse(t, db, storage.ErrSpent, spend(ada, "z"))
		mustRefuse(t, db, storage.ErrSpent, spend("grace", "a"))
		mustWrite(t, db, spend(ada, "a"))
		mustRefuse(t, db, storage.ErrSpent, spend(ada, "a"))
		mustCountCodes(t, db, 2, 3)

		mustWrite(t, db, replace("d"))
		mustRefuse(t, db, storage.ErrSpent, spend(ada, "b"))
		mustCountCodes(t, db, 1, 1)
		mustWrite(t, db, replace())
		mustCountCodes(t, db, 0, 0)

		mustRefuse(t, db, storage.ErrNotFound, func(ctx context.Context, tx *storage.Tx) error {
			return tx.ReplaceBackupCodes(ctx, "nobody", []string{"a"}, noon)
		})
	})
}

// A person who presses the button twice holds the codes of one answer.
func TestBackupCodesMadeTwiceAtOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		for round := range 20 {
			for _, err := range atOnce(8, func(i int) error {
				return write(t, db, func(ctx context.Context, tx *storage.Tx) error {
					return tx.ReplaceBackupCodes(ctx, ada, []string{fmt.Sprint(round, i, "a"), fmt.Sprint(round, i, "b")}, noon)
				})
			}) {
				if err != nil {
					t.Fatal(err)
				}
			}
			mustCountCodes(t, db, 2, 2)
		}
	})
}

func TestPersonCountsBackupCodes(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return errors.Join(tx.ReplaceBackupCodes(ctx, ada, []string{"a", "b"}, noon), tx.SpendBackupCode(ctx, ada, "b", noon))
		})
		if in := must(db.Person(t.Context(), ada, board))(t); in.BackupCodesLeft != 1 {
			t.Fatalf("%d codes left", in.BackupCodesLeft)
		}
	})
}
