package storage_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestRetryMessage(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		mustQueue(t, db, "ada")
		deliverAt(t, db, noon.Add(time.Hour), func(*storage.Outgoing) error { return errors.New("mailbox full") })
		failed := must(db.GivenUp(t.Context(), "", 10))(t)
		if len(failed) != 1 || failed[0].Error != "mailbox full" || failed[0].Target != "ada" || failed[0].Tries != 1 || !failed[0].Kept || !failed[0].Last.Equal(noon.Add(time.Hour)) {
			t.Fatalf("%+v", failed)
		}
		retry := func(id string) func(context.Context, *storage.Tx) error {
			return func(ctx context.Context, tx *storage.Tx) error {
				_, _, err := tx.RetryMessage(ctx, id, noon.Add(2*time.Hour))
				return err
			}
		}
		mustRefuse(t, db, storage.ErrNotFound, retry("another"))
		mustWrite(t, db, retry(failed[0].ID))
		mustRefuse(t, db, storage.ErrNotFound, retry(failed[0].ID)) // it is on its way
		var said string
		n := deliverAt(t, db, noon.Add(2*time.Hour), func(m *storage.Outgoing) error { said = string(m.Body); return nil })
		if n != 1 || !strings.Contains(said, "Hello ada") {
			t.Fatalf("%d sent: %q", n, said)
		}
		if again := must(db.GivenUp(t.Context(), "", 10))(t); len(again) != 0 {
			t.Errorf("given up still: %+v", again)
		}
	})
}

// What came too late isn't kept: nobody wants it any more.
func TestRetryOnlyWhatIsKept(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			_, err := tx.QueueMessage(ctx, storage.Outgoing{Kind: storage.OutgoingMail, Target: "late", CreatedAt: noon, ExpiresAt: noon.Add(time.Minute)}, "late")
			return err
		})
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			_, err := tx.QueueMessage(ctx, storage.Outgoing{Kind: storage.OutgoingMail, Target: "code", CreatedAt: noon, CodeID: "none"}, "482913")
			return err
		})
		deliverAt(t, db, noon.Add(time.Hour), func(*storage.Outgoing) error { return errors.New("mailbox full") })
		failed := must(db.GivenUp(t.Context(), "", 10))(t)
		if len(failed) != 2 || failed[0].Kept || failed[1].Kept {
			t.Fatalf("%+v", failed)
		}
		for _, m := range failed {
			mustRefuse(t, db, storage.ErrSpent, func(ctx context.Context, tx *storage.Tx) error {
				_, _, err := tx.RetryMessage(ctx, m.ID, noon.Add(time.Hour))
				return err
			})
		}
	})
}

func TestDropMessage(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		drop := func(id string) func(context.Context, *storage.Tx) error {
			return func(ctx context.Context, tx *storage.Tx) error {
				_, _, err := tx.DropMessage(ctx, id)
				return err
			}
		}
		for _, to := range []string{"ada", "ben", "cleo"} {
			mustQueue(t, db, to)
			deliverAt(t, db, noon.Add(time.Hour), func(*storage.Outgoing) error { return storage.ErrUndeliverable })
		}
		mustQueue(t, db, "dan") // on its way: nobody drops that
		first := must(db.GivenUp(t.Context(), "", 2))(t)
		rest := must(db.GivenUp(t.Context(), first[1].ID, 2))(t)
		if len(first) != 2 || len(rest) != 1 || rest[0].ID == first[0].ID || rest[0].ID == first[1].ID {
			t.Fatalf("pages %+v and %+v", first, rest)
		}
		mustWrite(t, db, drop(rest[0].ID))
		mustRefuse(t, db, storage.ErrNotFound, drop(rest[0].ID))
		if left := must(db.GivenUp(t.Context(), "", 10))(t); len(left) != 2 {
			t.Errorf("left %+v", left)
		}
		outbox := must(db.Outbox(t.Context()))(t)
		if outbox[0].Queued != 1 {
			t.Errorf("%+v", outbox[0])
		}
	})
}
