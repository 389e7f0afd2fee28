package storage_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func claim(id string) storage.Repeatable {
	return storage.Repeatable{ID: id, Fingerprint: "of " + id, ExpiresAt: noon.Add(24 * time.Hour)}
}

// A creation and its key are kept together, or not at all.
func TestRepeatable(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		failed := errors.New("failed")
		mustRefuse(t, db, failed, func(ctx context.Context, tx *storage.Tx) error {
			return errors.Join(tx.ClaimRepeatable(ctx, claim("a"), noon), tx.AnswerRepeatable(ctx, "a", []byte("never given")), failed)
		})
		if _, err := db.Repeatable(t.Context(), "a", noon); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("taken back, and there: %v", err)
		}
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return errors.Join(tx.ClaimRepeatable(ctx, claim("a"), noon), tx.AnswerRepeatable(ctx, "a", []byte("an answer")))
		})
		want := claim("a")
		want.Answer = []byte("an answer")
		mustEqual(t, must(db.Repeatable(t.Context(), "a", noon))(t), &want)
		mustRefuse(t, db, storage.ErrTaken, func(ctx context.Context, tx *storage.Tx) error { return tx.ClaimRepeatable(ctx, claim("a"), noon) })
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.ClaimRepeatable(ctx, claim("b"), noon) })

		// After its end the key may be used for something else.
		end := want.ExpiresAt
		if _, err := db.Repeatable(t.Context(), "a", end); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("expired, and there: %v", err)
		}
		again := storage.Repeatable{ID: "a", Fingerprint: "of something else", ExpiresAt: end.Add(time.Hour), Answer: []byte("another")}
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return errors.Join(tx.ClaimRepeatable(ctx, again, end), tx.AnswerRepeatable(ctx, "a", again.Answer))
		})
		mustEqual(t, must(db.Repeatable(t.Context(), "a", end))(t), &again)
	})
}

// Of many who claim a key at once, one gets it; the others are told when it has
// its answer.
func TestRepeatableIsClaimedOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		const n = 20
		errs := make(chan error, n)
		for range n {
			go func() {
				errs <- db.Write(t.Context(), func(tx *storage.Tx) error {
					if err := tx.ClaimRepeatable(t.Context(), claim("a"), noon); err != nil {
						return err
					}
					return tx.AnswerRepeatable(t.Context(), "a", []byte("an answer"))
				})
			}()
		}
		claimed := 0
		for range n {
			switch err := <-errs; {
			case err == nil:
				claimed++
			case !errors.Is(err, storage.ErrTaken):
				t.Error(err)
			}
		}
		if claimed != 1 {
			t.Errorf("claimed %d times", claimed)
		}
	})
}

// An answer may hold a new secret: it can't be read in a stolen database.
func TestRepeatableAnswersAreSealed(t *testing.T) {
	eachURL(t, func(t *testing.T, db *storage.DB, url string) {
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return errors.Join(tx.ClaimRepeatable(ctx, claim("a"), noon), tx.AnswerRepeatable(ctx, "a", []byte("a client's secret")))
		})
		var kept []byte
		if err := outside(t, url).QueryRow(`SELECT answer FROM idempotency WHERE id = 'a'`).Scan(&kept); err != nil || len(kept) == 0 {
			t.Fatalf("%q: %v", kept, err)
		}
		if bytes.Contains(kept, []byte("secret")) {
			t.Errorf("readable: %q", kept)
		}
		other := storagetest.Open(t, url, storage.Options{MasterKey: bytes.Repeat([]byte{8}, 32)})
		if _, err := other.Repeatable(t.Context(), "a", noon); err == nil || errors.Is(err, storage.ErrNotFound) {
			t.Errorf("opened with another key: %v", err)
		}
	})
}

func TestCleanForgetsKeys(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			later := claim("later")
			later.ExpiresAt = later.ExpiresAt.Add(time.Hour)
			return errors.Join(tx.ClaimRepeatable(ctx, claim("a"), noon), tx.AnswerRepeatable(ctx, "a", nil),
				tx.ClaimRepeatable(ctx, later, noon), tx.AnswerRepeatable(ctx, "later", nil))
		})
		mustClean(t, db, "me", noon.Add(24*time.Hour+time.Second))
		if _, err := db.Repeatable(t.Context(), "a", noon); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("expired, and kept: %v", err)
		}
		if _, err := db.Repeatable(t.Context(), "later", noon); err != nil {
			t.Errorf("not expired, and gone: %v", err)
		}
	})
}
