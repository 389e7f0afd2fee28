package storage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// sentCode is a code of Ada's that her carrier may have for a minute.
func sentCode(boundTo, id, hash string) storage.SentCode {
	return storage.SentCode{
		BoundTo: boundTo, Kind: "sms", ID: id, UserID: ada, Hash: hash, Validity: 90 * time.Second, CreatedAt: noon, ExpiresAt: noon.Add(150 * time.Second),
	}
}

func putCode(c storage.SentCode) func(context.Context, *storage.Tx) error {
	return func(ctx context.Context, tx *storage.Tx) error { return tx.PutSentCode(ctx, c) }
}

func spendCode(boundTo, hash string, at time.Time) func(context.Context, *storage.Tx) error {
	return func(ctx context.Context, tx *storage.Tx) error {
		return tx.SpendSentCode(ctx, boundTo, "sms", ada, hash, at)
	}
}

func TestSentCodes(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		if _, err := db.SentCode(t.Context(), "a", "sms"); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("before any was sent: %v", err)
		}
		first := sentCode("a", "1", "first")
		mustWrite(t, db, putCode(first))
		mustEqual(t, must(db.SentCode(t.Context(), "a", "sms"))(t), &first)

		// Another sign-in, kind or person; another code; too late.
		mustRefuse(t, db, storage.ErrSpent, spendCode("b", "first", noon))
		mustRefuse(t, db, storage.ErrSpent, spendCode("a", "second", noon))
		mustRefuse(t, db, storage.ErrSpent, spendCode("a", "first", first.ExpiresAt))
		for _, other := range [][2]string{{"email", ada}, {"sms", "grace"}} {
			mustRefuse(t, db, storage.ErrSpent, func(ctx context.Context, tx *storage.Tx) error {
				return tx.SpendSentCode(ctx, "a", other[0], other[1], "first", noon)
			})
		}

		// The next one takes its place; each sign-in and kind has its own.
		second := sentCode("a", "2", "second")
		mail := sentCode("a", "3", "mail")
		mail.Kind = "email"
		mustWrite(t, db, putCode(second))
		mustWrite(t, db, putCode(mail))
		mustWrite(t, db, putCode(sentCode("b", "4", "elsewhere")))
		mustRefuse(t, db, storage.ErrSpent, spendCode("a", "first", noon))
		last := second.ExpiresAt.Add(-time.Millisecond)
		mustWrite(t, db, spendCode("a", "second", last))
		mustRefuse(t, db, storage.ErrSpent, spendCode("a", "second", last))
		second.UsedAt = last
		mustEqual(t, must(db.SentCode(t.Context(), "a", "sms"))(t), &second)
		mustEqual(t, must(db.SentCode(t.Context(), "a", "email"))(t), &mail)

		// A new one after a used one works again, whatever became of that.
		third := sentCode("a", "5", "third")
		mustWrite(t, db, putCode(third))
		mustEqual(t, must(db.SentCode(t.Context(), "a", "sms"))(t), &third)
		mustWrite(t, db, spendCode("a", "third", noon))
	})
}

// tryText queues the message of a code and tries to hand it over at a time;
// tried says whether the carrier got to see it.
func tryText(t *testing.T, db *storage.DB, c storage.SentCode, at time.Time, answer error) (tried bool) {
	t.Helper()
	_, err := db.Deliver(t.Context(), storage.OutgoingText, time.Hour, func() time.Time { return at }, func(_ context.Context, m *storage.Outgoing) error {
		tried = tried || m.CodeID == c.ID
		return answer
	})
	if err != nil {
		t.Fatal(err)
	}
	return tried
}

func queueText(c storage.SentCode) func(context.Context, *storage.Tx) error {
	return func(ctx context.Context, tx *storage.Tx) error {
		_, err := tx.QueueMessage(ctx, storage.Outgoing{Kind: storage.OutgoingText, Target: "x", CreatedAt: noon, ExpiresAt: noon.Add(time.Minute), CodeID: c.ID}, "text")
		return errors.Join(tx.PutSentCode(ctx, c), err)
	}
}

// A code works for its validity from when its carrier accepted it, not from
// when it was made.
func TestSentCodesCountFromAcceptance(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		c := sentCode("a", "1", "code")
		mustWrite(t, db, queueText(c))
		if !tryText(t, db, c, noon, errors.New("busy")) {
			t.Fatal("it was not tried")
		}
		if got := must(db.SentCode(t.Context(), "a", "sms"))(t); !got.AcceptedAt.IsZero() || !got.FailedAt.IsZero() || got.ExpiresAt != c.ExpiresAt {
			t.Fatalf("after a try that failed: %+v", got)
		}
		accepted := noon.Add(59 * time.Second)
		if !tryText(t, db, c, accepted, nil) {
			t.Fatal("it was not tried again")
		}
		got := must(db.SentCode(t.Context(), "a", "sms"))(t)
		if got.AcceptedAt != accepted || got.ExpiresAt != accepted.Add(90*time.Second) {
			t.Fatalf("once accepted: %+v", got)
		}
		mustRefuse(t, db, storage.ErrSpent, spendCode("a", "code", got.ExpiresAt))
		mustWrite(t, db, spendCode("a", "code", got.ExpiresAt.Add(-time.Millisecond)))
	})
}

func TestSentCodesNotWorthSending(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		code := func(boundTo, id string) storage.SentCode { return sentCode(boundTo, id, id) }
		late, replaced, used, refused := code("late", "1"), code("replaced", "2"), code("used", "3"), code("refused", "4")
		for _, c := range []storage.SentCode{late, replaced, used, refused} {
			mustWrite(t, db, queueText(c))
		}
		mustWrite(t, db, putCode(code("replaced", "5")))
		mustWrite(t, db, spendCode("used", "3", noon))
		sent := map[string]bool{}
		deliver := func(at time.Time, answer error) {
			t.Helper()
			_, err := db.Deliver(t.Context(), storage.OutgoingText, time.Hour, func() time.Time { return at }, func(_ context.Context, m *storage.Outgoing) error {
				sent[m.CodeID] = true
				if m.CodeID == late.ID {
					return errors.New("busy")
				}
				return answer
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		deliver(noon, storage.ErrUndeliverable)
		if len(sent) != 2 || !sent[late.ID] || !sent[refused.ID] {
			t.Fatalf("tried: %v", sent)
		}
		if got := must(db.SentCode(t.Context(), "refused", "sms"))(t); got.FailedAt != noon || !got.AcceptedAt.IsZero() {
			t.Errorf("refused: %+v", got)
		}
		if got := must(db.SentCode(t.Context(), "replaced", "sms"))(t); got.ID != "5" || !got.FailedAt.IsZero() {
			t.Errorf("the message of the code before changed its successor: %+v", got)
		}
		if got := must(db.SentCode(t.Context(), "used", "sms"))(t); got.UsedAt != noon {
			t.Errorf("used: %+v", got)
		}

		// At its time it is too late, and it is given up.
		clear(sent)
		deliver(noon.Add(time.Minute), nil)
		if len(sent) != 0 {
			t.Errorf("sent too late: %v", sent)
		}
		if got := must(db.SentCode(t.Context(), "late", "sms"))(t); got.FailedAt != noon.Add(time.Minute) || !got.AcceptedAt.IsZero() {
			t.Errorf("too late: %+v", got)
		}
		for _, w := range must(db.Outbox(t.Context()))(t) {
			if w.Queued != 0 || w.Failed != 4 {
				t.Errorf("outbox: %+v", w)
			}
		}
	})
}

// A used code is not revived by a carrier that answers late.
func TestSentCodesStayUsed(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		c := sentCode("a", "1", "code")
		mustWrite(t, db, queueText(c))
		_, err := db.Deliver(t.Context(), storage.OutgoingText, time.Hour, func() time.Time { return noon }, func(context.Context, *storage.Outgoing) error {
			return write(t, db, spendCode("a", "code", noon)) // the person is quicker than the answer
		})
		if err != nil {
			t.Fatal(err)
		}
		mustRefuse(t, db, storage.ErrSpent, spendCode("a", "code", noon))
		if got := must(db.SentCode(t.Context(), "a", "sms"))(t); got.UsedAt != noon || got.ExpiresAt != c.ExpiresAt {
			t.Errorf("%+v", got)
		}
	})
}
