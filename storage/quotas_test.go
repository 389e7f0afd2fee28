package storage_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func take(at time.Time, quotas ...storage.Quota) func(context.Context, *storage.Tx) error {
	return func(ctx context.Context, tx *storage.Tx) error { return tx.TakeQuotas(ctx, quotas, at) }
}

// mustBeFull fails unless a quota refuses, until a time.
func mustBeFull(t testing.TB, db *storage.DB, id string, until, at time.Time, quotas ...storage.Quota) {
	t.Helper()
	err := write(t, db, take(at, quotas...))
	full, ok := errors.AsType[*storage.QuotaError](err)
	if !ok || full.Quota.ID != id || full.Until != until {
		t.Fatalf("got %v, want %s to be full until %s", err, id, until)
	}
}

func TestQuotas(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		three := storage.Quota{ID: "three", Max: 3, Window: time.Hour}
		for i := range 3 {
			mustWrite(t, db, take(noon.Add(time.Duration(i)*time.Minute), three))
		}
		end := noon.Add(time.Hour)
		mustBeFull(t, db, "three", end, noon.Add(3*time.Minute), three)
		mustBeFull(t, db, "three", end, end.Add(-time.Millisecond), three)
		mustWrite(t, db, take(noon, storage.Quota{ID: "other", Max: 1, Window: time.Hour}))

		// The window begins anew with the first one after its end.
		for range 3 {
			mustWrite(t, db, take(end, three))
		}
		mustBeFull(t, db, "three", end.Add(time.Hour), end, three)
	})
}

// Of several quotas all are taken or none, and the longest wait is told.
func TestQuotasTogether(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		minute := storage.Quota{ID: "minute", Max: 1, Window: time.Minute}
		hour := storage.Quota{ID: "hour", Max: 2, Window: time.Hour}
		day := storage.Quota{ID: "day", Max: 9, Window: 24 * time.Hour}
		mustWrite(t, db, take(noon, minute, hour, day))
		mustBeFull(t, db, "minute", noon.Add(time.Minute), noon, minute, hour, day)
		mustWrite(t, db, take(noon.Add(time.Minute), minute, hour, day)) // the refusal took nothing of the hour
		mustBeFull(t, db, "hour", noon.Add(time.Hour), noon.Add(90*time.Second), minute, hour, day)
		mustBeFull(t, db, "hour", noon.Add(time.Hour), noon.Add(90*time.Second), hour, minute, day)
		// Nor did that of the day: seven are left of nine.
		for range 7 {
			mustWrite(t, db, take(noon.Add(2*time.Hour), day))
		}
		mustBeFull(t, db, "day", noon.Add(24*time.Hour), noon.Add(2*time.Hour), day)
	})
}

// Callers at once don't get more than there is.
func TestQuotasAtOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		for round := range 20 {
			q := storage.Quota{ID: fmt.Sprint(round), Max: 5, Window: time.Hour}
			taken := 0
			for _, err := range atOnce(30, func(int) error { return write(t, db, take(noon, q)) }) {
				if _, full := errors.AsType[*storage.QuotaError](err); err != nil && !full {
					t.Fatal(err)
				} else if err == nil {
					taken++
				}
			}
			if taken != 5 {
				t.Fatalf("round %d: %d of 5", round, taken)
			}
		}
	})
}
