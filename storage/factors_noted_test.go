package storage_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// noted fails unless everybody's column agrees with their factors, and with
// what Ada should have.
func noted(t *testing.T, db *storage.DB, want ...string) {
	t.Helper()
	for _, id := range []string{ada, "grace"} {
		var kinds []string
		for _, f := range must(db.Factors(t.Context(), id))(t) {
			kinds = append(kinds, f.Kind)
		}
		slices.Sort(kinds)
		kinds = slices.Compact(kinds)
		mustEqual(t, must(db.User(t.Context(), id))(t).SecondFactors, kinds)
		if id == ada {
			mustEqual(t, kinds, want)
		}
	}
}

func factor(id, kind string) storage.Factor {
	return storage.Factor{ID: id, UserID: ada, Kind: kind, Secret: []byte("s")}
}

// The kinds of a person's factors are beside their name whatever is done with
// their factors.
func TestSecondFactorsAreNoted(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		grace := person("grace")
		grace.SecondFactors = []string{"totp"} // nothing but a factor makes it so
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertUser(ctx, grace, noon) })
		noted(t, db)
		steps := []struct {
			do   func(ctx context.Context, tx *storage.Tx) error
			want []string
		}{
			{func(ctx context.Context, tx *storage.Tx) error {
				return tx.InsertFactor(ctx, factor("t", "totp"), 1, noon)
			}, []string{"totp"}},
			{func(ctx context.Context, tx *storage.Tx) error {
				return tx.InsertFactor(ctx, factor("k", "webauthn"), 1, noon)
			}, []string{"totp", "webauthn"}},
			{func(ctx context.Context, tx *storage.Tx) error {
				return tx.InsertFactor(ctx, factor("l", "webauthn"), 1, noon)
			}, []string{"totp", "webauthn"}},
			{func(ctx context.Context, tx *storage.Tx) error {
				return tx.InsertFactor(ctx, factor("s", "sms"), 1, noon)
			}, []string{"sms", "totp", "webauthn"}},
			{func(ctx context.Context, tx *storage.Tx) error { return tx.SpendStep(ctx, "t", 5, noon) }, []string{"sms", "totp", "webauthn"}},
			{func(ctx context.Context, tx *storage.Tx) error {
				f := factor("k", "webauthn")
				return tx.UseKey(ctx, &f, 5, f.Secret, noon)
			}, []string{"sms", "totp", "webauthn"}},
			{func(ctx context.Context, tx *storage.Tx) error { return tx.UseFactor(ctx, ada, "sms", noon) }, []string{"sms", "totp", "webauthn"}},
			{func(ctx context.Context, tx *storage.Tx) error { return tx.RenameFactor(ctx, ada, "t", "Phone") }, []string{"sms", "totp", "webauthn"}},
			{func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateUser(ctx, person(ada), noon) }, []string{"sms", "totp", "webauthn"}},
			{func(ctx context.Context, tx *storage.Tx) error { return tx.DeleteFactor(ctx, ada, "k") }, []string{"sms", "totp", "webauthn"}},
			{func(ctx context.Context, tx *storage.Tx) error { return tx.DeleteFactor(ctx, ada, "l") }, []string{"sms", "totp"}},
			{func(ctx context.Context, tx *storage.Tx) error {
				_, err := tx.DeleteFactors(ctx, ada, "sms")
				return err
			}, []string{"totp"}},
			{func(ctx context.Context, tx *storage.Tx) error {
				_, err := tx.DeleteFactors(ctx, ada, "sms")
				return err
			}, []string{"totp"}},
			{func(ctx context.Context, tx *storage.Tx) error { _, err := tx.DeleteFactors(ctx, ada, ""); return err }, nil},
		}
		for i, step := range steps {
			mustWrite(t, db, step.do)
			noted(t, db, step.want...)
			mustRefuse(t, db, storage.ErrNotFound, func(ctx context.Context, tx *storage.Tx) error { return tx.DeleteFactor(ctx, ada, "none") })
			if t.Failed() {
				t.Fatalf("after step %d", i)
			}
		}
	})
}

// Two kinds that are set up at the same moment are both noted.
func TestSecondFactorsAtOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertUser(ctx, person("grace"), noon) })
		kinds := []string{"email", "sms", "totp", "webauthn"}
		for range 10 {
			if err := errors.Join(atOnce(len(kinds), func(i int) error {
				return write(t, db, func(ctx context.Context, tx *storage.Tx) error {
					return tx.InsertFactor(ctx, factor(kinds[i], kinds[i]), 1, noon)
				})
			})...); err != nil {
				t.Fatal(err)
			}
			noted(t, db, kinds...)
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { _, err := tx.DeleteFactors(ctx, ada, ""); return err })
		}
	})
}
