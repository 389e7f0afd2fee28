package storage_test

import (
	"context"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestConsent(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		for _, scope := range []string{"", "openid email", "openid"} {
			if scope != "" {
				mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.PutConsent(ctx, ada, board, scope, noon) })
			}
			if in := must(db.Person(t.Context(), ada, board))(t); in.Consented != scope {
				t.Errorf("remembered %q, want %q", in.Consented, scope)
			}
		}
		if in := must(db.Person(t.Context(), ada, "another"))(t); in.Consented != "" {
			t.Errorf("another product has %q", in.Consented)
		}
	})
}
