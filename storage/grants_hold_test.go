package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestHoldSession(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertSession(ctx, browser("s")) })
		hold := func(user, id string, now time.Time) func(context.Context, *storage.Tx) error {
			return func(ctx context.Context, tx *storage.Tx) error { return tx.HoldSession(ctx, user, id, now) }
		}
		mustWrite(t, db, hold(ada, "s", noon))
		mustRefuse(t, db, storage.ErrSpent, hold(ada, "none", noon))
		mustRefuse(t, db, storage.ErrSpent, hold("nobody", "s", noon))
		mustRefuse(t, db, storage.ErrSpent, hold(ada, "s", browser("s").ExpiresAt))
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			_, err := tx.EndSessions(ctx, storage.Ending{UserID: ada}, noon)
			return err
		})
		mustRefuse(t, db, storage.ErrSpent, hold(ada, "s", noon))
	})
}

// Whoever ends a session sees what was given out in it by whoever held it.
func TestHoldSessionMakesSignOutWait(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertSession(ctx, browser("s")) })
		ended := make(chan error, 1)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			if err := tx.HoldSession(ctx, ada, "s", noon); err != nil {
				return err
			}
			before := db.Statements()
			go func() {
				ended <- db.Write(t.Context(), func(tx *storage.Tx) error {
					_, err := tx.EndSessions(t.Context(), storage.Ending{UserID: ada}, noon)
					return err
				})
			}()
			if db.Engine() == "postgres" {
				for db.Statements() == before { // SQLite's writer takes one after the other anyway
				}
			}
			return tx.InsertGrant(ctx, grant("g", "s"))
		})
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if st := must(db.Standing(t.Context(), "g", noon))(t); st.Grant.RevokedAt.IsZero() {
			t.Error("the grant is left over")
		}
	})
}
