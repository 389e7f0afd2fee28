package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestRecoveryCodes(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		end := noon.Add(time.Hour)
		put := func(user, hash string) {
			t.Helper()
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
				return tx.PutRecoveryCode(ctx, storage.RecoveryCode{UserID: user, Hash: hash, IssuedBy: "olga", CreatedAt: noon, ExpiresAt: end})
			})
		}
		spend := func(user, hash string, at time.Time) func(context.Context, *storage.Tx) error {
			return func(ctx context.Context, tx *storage.Tx) error { return tx.SpendRecoveryCode(ctx, user, hash, at) }
		}
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertUser(ctx, person("grace"), noon) })
		put(ada, "first")
		put("grace", "hers")
		mustRefuse(t, db, storage.ErrSpent, spend(ada, "hers", noon))
		mustRefuse(t, db, storage.ErrSpent, spend(ada, "first", end))

		// One is alive: the second voids the first, used or not.
		put(ada, "second")
		mustRefuse(t, db, storage.ErrSpent, spend(ada, "first", noon))
		mustWrite(t, db, spend(ada, "second", end.Add(-time.Millisecond)))
		mustRefuse(t, db, storage.ErrSpent, spend(ada, "second", noon))
		put(ada, "third")
		mustRefuse(t, db, storage.ErrSpent, spend(ada, "second", noon))

		for range 2 { // once more where there is none
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.VoidRecoveryCode(ctx, ada) })
		}
		mustRefuse(t, db, storage.ErrSpent, spend(ada, "third", noon))
		mustWrite(t, db, spend("grace", "hers", noon))
	})
}
