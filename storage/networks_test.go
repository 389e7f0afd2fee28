package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestNetworks(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		knows := func(user, network string) bool {
			t.Helper()
			return must(db.KnowsNetwork(t.Context(), user, network))(t)
		}
		if knows(ada, "192.0.2.0/24") {
			t.Fatal("a new person knows a network")
		}
		for _, at := range []time.Time{noon, noon.Add(time.Hour)} {
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.SeeNetwork(ctx, ada, "192.0.2.0/24", at) })
		}
		if !knows(ada, "192.0.2.0/24") || knows(ada, "198.51.100.0/24") || knows("grace", "192.0.2.0/24") {
			t.Fatal("networks or people are mixed up")
		}
	})
}
