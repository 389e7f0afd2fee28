package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestSigningKeys(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		day := 24 * time.Hour
		first := storage.SigningKey{ID: "k1", Alg: "ES256", Private: []byte("private 1"), CreatedAt: noon, SignsFrom: noon}
		next := storage.SigningKey{ID: "k2", Alg: "ES256", Private: []byte("private 2"), CreatedAt: noon.Add(day), SignsFrom: noon.Add(2 * day)}
		rsa := storage.SigningKey{ID: "k3", Alg: "RS256", Private: []byte("private 3"), CreatedAt: noon.Add(day), SignsFrom: noon.Add(day)}
		all := func(want ...*storage.SigningKey) {
			t.Helper()
			mustEqual(t, must(db.SigningKeys(t.Context()))(t), want)
			mustEqual(t, must(db.SigningKeysNow(t.Context()))(t), want)
		}
		retire := func(alg, except string, at time.Time) {
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.RetireSigningKeys(ctx, alg, except, at) })
		}
		forget := func(before time.Time, want int64) {
			t.Helper()
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
				n, err := tx.DeleteSigningKeys(ctx, before)
				if n != want {
					t.Errorf("forgot %d keys, want %d", n, want)
				}
				return err
			})
		}
		all()
		for _, k := range []storage.SigningKey{rsa, next, first} {
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertSigningKey(ctx, k) })
		}
		all(&first, &next, &rsa)

		retire("ES256", "k2", noon.Add(3*day))
		first.RetiredAt = noon.Add(3 * day)
		all(&first, &next, &rsa)
		retire("ES256", "k2", noon.Add(4*day)) // not later than it was
		all(&first, &next, &rsa)
		retire("ES256", "k2", noon.Add(2*day)) // sooner, in an emergency
		first.RetiredAt = noon.Add(2 * day)
		all(&first, &next, &rsa)

		forget(first.RetiredAt, 0)
		all(&first, &next, &rsa)
		forget(first.RetiredAt.Add(time.Millisecond), 1)
		all(&next, &rsa)
	})
}
