package storage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestInitialAccessToken(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		token := storage.InitialAccessToken{Hash: "h", Name: "conformance", UsesLeft: 2, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertInitialAccessToken(ctx, token) })
		use := func(hash string, at time.Time) func(context.Context, *storage.Tx) error {
			return func(ctx context.Context, tx *storage.Tx) error {
				name, err := tx.UseInitialAccessToken(ctx, hash, at)
				if err == nil && name != token.Name {
					t.Errorf("used as %q", name)
				}
				return err
			}
		}
		good := func(at time.Time) bool { return must(db.InitialAccessTokenGood(t.Context(), "h", at))(t) }
		mustEqual(t, must(db.InitialAccessTokens(t.Context(), noon))(t), []*storage.InitialAccessToken{&token})
		if !good(noon) || good(token.ExpiresAt) {
			t.Error("good at the wrong time")
		}
		mustRefuse(t, db, storage.ErrSpent, use("unknown", noon))
		mustRefuse(t, db, storage.ErrSpent, use("h", token.ExpiresAt))
		mustWrite(t, db, use("h", noon))
		mustWrite(t, db, use("h", noon))
		mustRefuse(t, db, storage.ErrSpent, use("h", noon))
		if good(noon) || len(must(db.InitialAccessTokens(t.Context(), noon))(t)) != 0 {
			t.Error("used up, and still good")
		}
		remove := func(ctx context.Context, tx *storage.Tx) error {
			return tx.DeleteInitialAccessTokens(ctx, token.Name)
		}
		mustWrite(t, db, remove)
		mustRefuse(t, db, storage.ErrNotFound, remove)
	})
}

// A use that is counted is counted once, however many come at once.
func TestInitialAccessTokenAtOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		const uses, callers = 3, 20
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return tx.InsertInitialAccessToken(ctx, storage.InitialAccessToken{Hash: "h", Name: "n", UsesLeft: uses, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)})
		})
		results := make(chan error, callers)
		for range callers {
			go func() {
				results <- db.Write(t.Context(), func(tx *storage.Tx) error {
					_, err := tx.UseInitialAccessToken(t.Context(), "h", noon)
					return err
				})
			}()
		}
		used := 0
		for range callers {
			switch err := <-results; {
			case err == nil:
				used++
			case !errors.Is(err, storage.ErrSpent):
				t.Error(err)
			}
		}
		if used != uses {
			t.Errorf("used %d times of %d", used, uses)
		}
	})
}
