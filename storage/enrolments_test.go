package storage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func putEnrolment(e storage.Enrolment) func(context.Context, *storage.Tx) error {
	return func(ctx context.Context, tx *storage.Tx) error { return tx.PutEnrolment(ctx, e) }
}

func fill(word, secret string, at time.Time) func(context.Context, *storage.Tx) error {
	return func(ctx context.Context, tx *storage.Tx) error {
		_, err := tx.FillEnrolment(ctx, word, []byte(secret), at)
		return err
	}
}

func TestEnrolmentByWord(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		end := noon.Add(10 * time.Minute)
		waits := func(boundTo, word string) storage.Enrolment {
			return storage.Enrolment{BoundTo: boundTo, Kind: "sms", UserID: ada, Secret: []byte("word:" + word), WordHash: word, ExpiresAt: end}
		}
		mustHave := func(boundTo, secret, word string) {
			t.Helper()
			e := must(db.Enrolment(t.Context(), boundTo, "sms", noon))(t)
			if string(e.Secret) != secret || e.WordHash != word {
				t.Fatalf("%s has %q, and waits for %q", boundTo, e.Secret, e.WordHash)
			}
		}
		mustWrite(t, db, putEnrolment(waits("a", "one")))
		mustWrite(t, db, putEnrolment(waits("b", "two")))
		mustWrite(t, db, putEnrolment(storage.Enrolment{BoundTo: "c", Kind: "sms", UserID: ada, Secret: []byte("+1"), ExpiresAt: end}))
		mustRefuse(t, db, storage.ErrSpent, fill("three", "+2", noon))
		mustRefuse(t, db, storage.ErrSpent, fill("", "+2", noon)) // one that waits for nothing
		mustRefuse(t, db, storage.ErrSpent, fill("one", "+2", end))

		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			e, err := tx.FillEnrolment(ctx, "one", []byte("+3"), end.Add(-time.Millisecond))
			if err == nil {
				mustEqual(t, e, &storage.Enrolment{BoundTo: "a", Kind: "sms", UserID: ada, Secret: []byte("+3"), ExpiresAt: end})
			}
			return err
		})
		mustHave("a", "+3", "")
		mustHave("b", "word:two", "two")
		mustHave("c", "+1", "")
		mustRefuse(t, db, storage.ErrSpent, fill("one", "+4", noon)) // a word works once
		mustHave("a", "+3", "")

		// Begun anew, by a word or without: the word before is gone.
		mustWrite(t, db, putEnrolment(waits("b", "four")))
		mustRefuse(t, db, storage.ErrSpent, fill("two", "+5", noon))
		mustWrite(t, db, putEnrolment(storage.Enrolment{BoundTo: "b", Kind: "sms", UserID: ada, Secret: []byte("+6"), ExpiresAt: end}))
		mustRefuse(t, db, storage.ErrSpent, fill("four", "+5", noon))
		mustHave("b", "+6", "")
	})
}

func TestEnrolments(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		end := noon.Add(10 * time.Minute)
		e := storage.Enrolment{BoundTo: "a", Kind: "totp", UserID: ada, Secret: []byte("seed"), ExpiresAt: end}
		mustWrite(t, db, putEnrolment(e))
		mustEqual(t, must(db.Enrolment(t.Context(), "a", "totp", end.Add(-time.Millisecond)))(t), &e)
		for _, other := range []struct {
			boundTo, kind string
			at            time.Time
		}{{"b", "totp", noon}, {"a", "sms", noon}, {"a", "totp", end}} {
			if _, err := db.Enrolment(t.Context(), other.boundTo, other.kind, other.at); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("%+v: %v", other, err)
			}
		}
		spend := func(boundTo, kind, user string, at time.Time) func(context.Context, *storage.Tx) error {
			return func(ctx context.Context, tx *storage.Tx) error {
				return tx.SpendEnrolment(ctx, boundTo, kind, user, at)
			}
		}
		mustRefuse(t, db, storage.ErrSpent, spend("b", "totp", ada, noon))
		mustRefuse(t, db, storage.ErrSpent, spend("a", "sms", ada, noon))
		mustRefuse(t, db, storage.ErrSpent, spend("a", "totp", "grace", noon))
		mustRefuse(t, db, storage.ErrSpent, spend("a", "totp", ada, end))
		mustWrite(t, db, spend("a", "totp", ada, noon))
		mustRefuse(t, db, storage.ErrSpent, spend("a", "totp", ada, noon))
	})
}
