package storage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestPushedRequests(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		seed(t, db)
		put := func(hash string) {
			t.Helper()
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
				return tx.InsertPushedRequest(ctx, storage.PushedRequest{
					Hash: hash, ClientID: board, Params: []byte(`{"a":"b"}`), CreatedAt: noon, ExpiresAt: noon.Add(time.Minute),
				})
			})
		}
		use := func(hash, client, became string, at time.Time) error {
			return db.Write(ctx, func(tx *storage.Tx) error { return tx.UsePushedRequest(ctx, hash, client, became, at) })
		}
		put("one")
		got, err := db.PushedRequest(ctx, "one")
		if err != nil || got.ClientID != board || string(got.Params) != `{"a":"b"}` || !got.ExpiresAt.Equal(noon.Add(time.Minute)) || !got.UsedAt.IsZero() || got.AuthRequestID != "" {
			t.Fatalf("%+v, %v", got, err)
		}
		for _, c := range []struct {
			hash, client string
			at           time.Time
		}{{"none", board, noon}, {"one", "another", noon}, {"one", board, noon.Add(time.Minute)}} {
			if err := use(c.hash, c.client, "", c.at); !errors.Is(err, storage.ErrSpent) {
				t.Errorf("%+v: %v", c, err)
			}
		}
		if err := use("one", board, "a sign-in", noon.Add(59*time.Second)); err != nil {
			t.Fatal(err)
		}
		if err := use("one", board, "another", noon.Add(59*time.Second)); !errors.Is(err, storage.ErrSpent) {
			t.Errorf("%v", err)
		}
		if got, err = db.PushedRequest(ctx, "one"); err != nil || got.AuthRequestID != "a sign-in" || !got.UsedAt.Equal(noon.Add(59*time.Second)) {
			t.Errorf("%+v, %v", got, err)
		}
		// It goes with its product.
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.DeleteClient(ctx, board, noon) })
		if _, err := db.PushedRequest(ctx, "one"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}
