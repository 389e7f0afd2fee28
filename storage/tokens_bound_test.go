package storage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// A refresh token that is bound to a key is good again and again, until it is
// revoked or expires.
func TestBoundRefreshTokens(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		bound := refresh("bound", "g", "")
		bound.Cnf = `{"jkt":"a key"}`
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return errors.Join(tx.InsertSession(ctx, browser("s")), tx.InsertGrant(ctx, grant("g", "s")), tx.InsertTokens(ctx, bound))
		})
		for _, at := range []time.Duration{0, time.Millisecond, time.Second, time.Hour, 30*24*time.Hour - time.Second} {
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
				token, err := tx.SpendRefreshToken(ctx, bound.Hash, noon.Add(at))
				if err == nil && (token.GrantID != "g" || token.Cnf != bound.Cnf) {
					t.Errorf("%+v", token)
				}
				return err
			})
		}
		mustRefuse(t, db, storage.ErrSpent, spendRefresh("bound", noon.Add(30*24*time.Hour)))
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.RevokeToken(ctx, bound.Hash, noon) })
		mustRefuse(t, db, storage.ErrSpent, spendRefresh("bound", noon))
		mustRefuse(t, db, storage.ErrSpent, retryRefresh("bound", noon.Add(storage.RetryAfter)))
	})
}

// A token that wasn't bound yet, presented again, is theft where its bound
// successor was used.
func TestRetryAfterBoundSuccessor(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return errors.Join(tx.InsertSession(ctx, browser("s")), tx.InsertGrant(ctx, grant("g", "s")))
		})
		for name, want := range map[string]error{"used": storage.ErrSpent, "unused": nil} {
			second := refresh("second"+name, "g", storage.Hash("first"+name))
			second.Cnf = `{"jkt":"a key"}`
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
				return errors.Join(tx.InsertTokens(ctx, refresh("first"+name, "g", "")), spendRefresh("first"+name, noon)(ctx, tx), tx.InsertTokens(ctx, second))
			})
			if name == "used" {
				mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
					_, err := tx.SpendRefreshToken(ctx, second.Hash, noon.Add(time.Second))
					return err
				})
			}
			mustRefuse(t, db, want, retryRefresh("first"+name, noon.Add(storage.RetryAfter+time.Second)))
		}
	})
}
