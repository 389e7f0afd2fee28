package storage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestFactors(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		first := storage.Factor{ID: "f1", UserID: ada, Kind: "totp", Name: "Phone", Secret: []byte("seed of twenty bytes")}
		second := storage.Factor{ID: "f2", UserID: ada, Kind: "other", Secret: []byte{}}
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return errors.Join(tx.InsertFactor(ctx, second, 0, noon.Add(time.Second)), tx.InsertFactor(ctx, first, 10, noon))
		})
		first.CreatedAt, first.LastUsedAt, first.Counter = noon, noon, 10
		second.CreatedAt, second.LastUsedAt, second.Secret = noon.Add(time.Second), noon.Add(time.Second), nil
		mustEqual(t, must(db.Factors(t.Context(), ada))(t), []*storage.Factor{&first, &second})
		if none := must(db.Factors(t.Context(), "nobody"))(t); len(none) != 0 {
			t.Fatalf("nobody has %d factors", len(none))
		}
	})
}

func TestDeleteFactors(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		for _, step := range []struct {
			kind string
			want int64
		}{{"sms", 0}, {"totp", 2}, {"totp", 0}, {"", 1}, {"", 0}} {
			if step.kind == "sms" {
				for i, kind := range []string{"totp", "totp", "email"} {
					mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
						return tx.InsertFactor(ctx, storage.Factor{ID: string(rune('a' + i)), UserID: ada, Kind: kind}, 0, noon)
					})
				}
			}
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
				n, err := tx.DeleteFactors(ctx, ada, step.kind)
				if n != step.want {
					t.Errorf("removed %d factors of kind %q, want %d", n, step.kind, step.want)
				}
				return err
			})
		}
	})
}

func TestSpendStep(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return tx.InsertFactor(ctx, storage.Factor{ID: "f", UserID: ada, Kind: "totp"}, 10, noon)
		})
		spend := func(id string, step int64) func(context.Context, *storage.Tx) error {
			return func(ctx context.Context, tx *storage.Tx) error {
				return tx.SpendStep(ctx, id, step, noon.Add(time.Minute))
			}
		}
		mustRefuse(t, db, storage.ErrSpent, spend("f", 10)) // spent by enrolling
		mustWrite(t, db, spend("f", 11))
		mustRefuse(t, db, storage.ErrSpent, spend("f", 11))
		mustWrite(t, db, spend("f", 14))
		mustRefuse(t, db, storage.ErrSpent, spend("f", 13)) // the ones passed over are spent too
		mustRefuse(t, db, storage.ErrSpent, spend("another", 20))
		if f := must(db.Factors(t.Context(), ada))(t)[0]; !f.LastUsedAt.Equal(noon.Add(time.Minute)) {
			t.Fatalf("last used at %v", f.LastUsedAt)
		}
	})
}

func TestEnrolment(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		e := storage.Enrolment{BoundTo: "signin:1", Kind: "totp", UserID: ada, Secret: []byte("pending seed"), ExpiresAt: noon.Add(10 * time.Minute)}
		put := func(ctx context.Context, tx *storage.Tx) error { return tx.PutEnrolment(ctx, e) }
		mustWrite(t, db, put)
		mustEqual(t, must(db.Enrolment(t.Context(), "signin:1", "totp", noon))(t), &e)
		e.Secret = []byte("another seed") // begun anew
		mustWrite(t, db, put)
		mustEqual(t, must(db.Enrolment(t.Context(), "signin:1", "totp", noon))(t), &e)

		for _, other := range []struct {
			boundTo, kind string
			at            time.Time
		}{{"signin:2", "totp", noon}, {"signin:1", "sms", noon}, {"signin:1", "totp", e.ExpiresAt}} {
			if _, err := db.Enrolment(t.Context(), other.boundTo, other.kind, other.at); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("%+v: %v", other, err)
			}
		}
	})
}

func TestSpendEnrolment(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		e := storage.Enrolment{BoundTo: "signin:1", Kind: "totp", UserID: ada, Secret: []byte("pending seed"), ExpiresAt: noon.Add(10 * time.Minute)}
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.PutEnrolment(ctx, e) })
		spend := func(boundTo, kind, user string, now time.Time) func(context.Context, *storage.Tx) error {
			return func(ctx context.Context, tx *storage.Tx) error {
				return tx.SpendEnrolment(ctx, boundTo, kind, user, now)
			}
		}
		mustRefuse(t, db, storage.ErrSpent, spend("signin:2", "totp", ada, noon))
		mustRefuse(t, db, storage.ErrSpent, spend("signin:1", "sms", ada, noon))
		mustRefuse(t, db, storage.ErrSpent, spend("signin:1", "totp", "grace", noon))
		mustRefuse(t, db, storage.ErrSpent, spend("signin:1", "totp", ada, e.ExpiresAt))
		mustWrite(t, db, spend("signin:1", "totp", ada, noon))
		mustRefuse(t, db, storage.ErrSpent, spend("signin:1", "totp", ada, noon))
	})
}
