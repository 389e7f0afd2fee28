package storage_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// request is a new one from the dashboard.
func request(id string) storage.AuthRequest {
	return storage.AuthRequest{ID: id, BrowserHash: storage.Hash("browser"), ClientID: board, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}
}

func TestAuthRequest(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		if _, err := db.AuthRequest(t.Context(), "a"); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("a request that isn't there: %v", err)
		}
		bare := request("bare")
		full := request("full")
		full.Params, full.UserID = json.RawMessage(`{"scope":"openid"}`), ada
		full.Proofs = storage.Proofs(`[{"method":"password"}]`)
		full.Stamps = storage.Stamps{
			SignInSince: noon, Enrolled: true, Chosen: true, SetUp: true, NotNow: true, Consented: "openid email", Denied: true,
			Ended: noon.Add(time.Second), RetryAt: noon.Add(time.Minute), Session: "s",
		}
		for _, a := range []storage.AuthRequest{bare, full} {
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertAuthRequest(ctx, a) })
			if a.ID == "bare" {
				a.Params, a.Proofs = json.RawMessage(`{}`), storage.Proofs(`[]`)
			}
			mustEqual(t, must(db.AuthRequest(t.Context(), a.ID))(t), &a)
		}
	})
}

func TestUpdateAuthRequest(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertAuthRequest(ctx, request("a")) })
		here, otherTab := must(db.AuthRequest(t.Context(), "a"))(t), must(db.AuthRequest(t.Context(), "a"))(t)
		update := func(a *storage.AuthRequest) func(context.Context, *storage.Tx) error {
			return func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateAuthRequest(ctx, a) }
		}
		here.UserID, here.Proofs, here.Stamps.Chosen, here.FreshCodes, here.Wrong = ada, storage.Proofs(`[1]`), true, []string{"code-1", "code-2"}, 3
		mustWrite(t, db, update(here))
		mustEqual(t, must(db.AuthRequest(t.Context(), "a"))(t), here)
		mustRefuse(t, db, storage.ErrSpent, update(otherTab))

		// What was just written can be written on.
		here.UserID, here.FreshCodes, here.Stamps.Chosen = "", nil, false
		mustWrite(t, db, update(here))
		mustEqual(t, must(db.AuthRequest(t.Context(), "a"))(t), here)
	})
}

func TestFinishAuthRequest(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		finish := func(id string, now time.Time) func(context.Context, *storage.Tx) error {
			return func(ctx context.Context, tx *storage.Tx) error { return tx.FinishAuthRequest(ctx, id, now) }
		}
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertAuthRequest(ctx, request("a")) })
		a := must(db.AuthRequest(t.Context(), "a"))(t)
		a.FreshCodes = []string{"code"}
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateAuthRequest(ctx, a) })

		mustRefuse(t, db, storage.ErrSpent, finish("another", noon))
		mustRefuse(t, db, storage.ErrSpent, finish("a", a.ExpiresAt))
		mustWrite(t, db, finish("a", noon.Add(time.Minute)))
		mustRefuse(t, db, storage.ErrSpent, finish("a", noon.Add(time.Minute)))
		mustRefuse(t, db, storage.ErrSpent, func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateAuthRequest(ctx, a) })

		a = must(db.AuthRequest(t.Context(), "a"))(t)
		if !a.FinishedAt.Equal(noon.Add(time.Minute)) || a.FreshCodes != nil {
			t.Fatalf("finished at %v with codes %v", a.FinishedAt, a.FreshCodes)
		}
	})
}

func TestIsSpent(t *testing.T) {
	if !storage.IsSpent(errors.Join(storage.ErrSpent)) || storage.IsSpent(storage.ErrNotFound) || storage.IsSpent(nil) {
		t.Fatal("IsSpent confuses errors")
	}
}
