package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestCeremonies(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		end := noon.Add(5 * time.Minute)
		put := func(boundTo, kind, data string) {
			t.Helper()
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
				return tx.PutCeremony(ctx, storage.Ceremony{BoundTo: boundTo, Kind: kind, UserID: ada, Data: []byte(data), ExpiresAt: end})
			})
		}
		spend := func(boundTo, kind string, at time.Time) (c *storage.Ceremony, err error) {
			err = write(t, db, func(ctx context.Context, tx *storage.Tx) (err error) {
				c, err = tx.SpendCeremony(ctx, boundTo, kind, at)
				return err
			})
			return c, err
		}
		refused := func(what, boundTo, kind string, at time.Time) {
			t.Helper()
			if c, err := spend(boundTo, kind, at); !storage.IsSpent(err) || c != nil {
				t.Fatalf("%s: %+v, %v", what, c, err)
			}
		}
		refused("none", "a", "get", noon)
		put("a", "get", "first")
		put("a", "create", "another kind")
		put("b", "get", "another sign-in")
		put("a", "get", "second")
		refused("another sign-in", "c", "get", noon)
		refused("expired", "a", "get", end)
		got, err := spend("a", "get", end.Add(-time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		mustEqual(t, got, &storage.Ceremony{BoundTo: "a", Kind: "get", UserID: ada, Data: []byte("second"), ExpiresAt: end})
		refused("used", "a", "get", noon)
		for _, left := range [][2]string{{"a", "create"}, {"b", "get"}} {
			if _, err := spend(left[0], left[1], noon); err != nil {
				t.Errorf("%s: %v", left, err)
			}
		}
	})
}
