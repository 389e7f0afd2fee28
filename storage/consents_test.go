package storage_test

import (
	"context"
	"errors"
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

func TestConsentsAreListedAndForgotten(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return errors.Join(tx.InsertUser(ctx, person("ben"), noon), tx.PutConsent(ctx, ada, board, "openid email", noon), tx.PutConsent(ctx, "ben", board, "openid", noon))
		})
		mustEqual(t, must(db.Consents(t.Context(), ada))(t), []*storage.Consent{{ClientID: board, Scope: "openid email", CreatedAt: noon}})
		forget := func(ctx context.Context, tx *storage.Tx) error { return tx.DeleteConsent(ctx, ada, board) }
		mustWrite(t, db, forget)
		mustRefuse(t, db, storage.ErrNotFound, forget)
		if left := must(db.Consents(t.Context(), ada))(t); len(left) != 0 {
			t.Errorf("%+v", left)
		}
		if left := must(db.Consents(t.Context(), "ben"))(t); len(left) != 1 {
			t.Errorf("ben's: %+v", left)
		}
	})
}
