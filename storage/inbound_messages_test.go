package storage_test

import (
	"context"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestInboundMessages(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		receive := func(id string) func(context.Context, *storage.Tx) error {
			return func(ctx context.Context, tx *storage.Tx) error { return tx.ReceiveOnce(ctx, id, noon) }
		}
		mustWrite(t, db, receive("sms:a"))
		mustRefuse(t, db, storage.ErrSpent, receive("sms:a"))
		mustWrite(t, db, receive("sms:A"))
		// What is seen for the second time doesn't spoil its transaction.
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			if err := tx.ReceiveOnce(ctx, "sms:a", noon); !storage.IsSpent(err) {
				t.Errorf("within a transaction: %v", err)
			}
			return tx.ReceiveOnce(ctx, "sms:b", noon)
		})
		mustRefuse(t, db, storage.ErrSpent, receive("sms:b"))
	})
}
