package storage_test

import (
	"errors"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestLinkOf(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		none := func(purpose, user string, now time.Time) {
			t.Helper()
			if l, err := db.LinkOf(t.Context(), purpose, user, now); !errors.Is(err, storage.ErrNotFound) {
				t.Fatalf("%+v, %v", l, err)
			}
		}
		none("change", ada, noon)
		first, second := link("a", "change", ada), link("b", "change", ada)
		first.Data, second.Data = "one@acme.example", "two@acme.example"
		mustWrite(t, db, insertLink(first))
		mustWrite(t, db, insertLink(second))
		mustEqual(t, must(db.LinkOf(t.Context(), "change", ada, noon))(t), &second)
		none("change", "grace", noon)
		none("set-up", ada, noon)
		none("change", ada, second.ExpiresAt)
		mustWrite(t, db, spendLink("b", noon))
		none("change", ada, noon)
	})
}

// Of transactions that hold one person, one goes on at a time.
func TestHoldUser(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		const callers = 8
		for i := range callers {
			mustWrite(t, db, insertLink(link(string(rune('a'+i)), string(rune('a'+i)), ada)))
		}
		// Each takes one link, as long as there is another one.
		errLast := errors.New("the last one")
		errs := atOnce(callers, func(i int) error {
			return db.Write(t.Context(), func(tx *storage.Tx) error {
				if err := tx.HoldUser(t.Context(), ada); err != nil {
					return err
				}
				left := 0
				for other := range callers {
					if yes, err := tx.HasLink(t.Context(), string(rune('a'+other)), ada, noon); err != nil {
						return err
					} else if yes {
						left++
					}
				}
				if left == 1 {
					return errLast
				}
				return tx.SpendLink(t.Context(), string(rune('a'+i)), noon)
			})
		})
		refused := 0
		for _, err := range errs {
			switch {
			case errors.Is(err, errLast):
				refused++
			case err != nil:
				t.Fatal(err)
			}
		}
		if refused != 1 {
			t.Fatalf("%d of %d found the last one, want 1", refused, callers)
		}
		if err := db.Write(t.Context(), func(tx *storage.Tx) error { return tx.HoldUser(t.Context(), "nobody") }); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("somebody who isn't there: %v", err)
		}
	})
}
