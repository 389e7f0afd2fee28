package storage_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func mustCount(t *testing.T, db *storage.DB, id string, b storage.Backoff, now time.Time) (a storage.Attempts) {
	t.Helper()
	mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) (err error) {
		a, err = tx.CountAttempt(ctx, id, b, now)
		return err
	})
	return a
}

func mustClear(t *testing.T, db *storage.DB, id string) {
	t.Helper()
	mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.ClearAttempts(ctx, id) })
}

func TestBackoffSchedule(t *testing.T) {
	const s, m, h = time.Second, time.Minute, time.Hour
	schedules := []struct {
		name  string
		b     storage.Backoff
		waits []time.Duration // after the first, second … failure
	}{
		{"codes", storage.Backoff{Free: 4, First: 30 * s, Max: h, LockAfter: 50},
			[]time.Duration{0, 0, 0, 0, 30 * s, m, 2 * m, 4 * m, 8 * m, 16 * m, 32 * m, h, h, h}},
		{"passwords", storage.Backoff{Free: 4, First: s, Max: 15 * m},
			[]time.Duration{0, 0, 0, 0, s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 64 * s, 128 * s, 256 * s, 512 * s, 15 * m, 15 * m}},
		{"nothing free", storage.Backoff{First: s, Max: 4 * s}, []time.Duration{s, 2 * s, 4 * s, 4 * s}},
		{"a plateau at once", storage.Backoff{Free: 1, First: s, Max: s}, []time.Duration{0, s, s, s}},
		{"no more than the most", storage.Backoff{Free: 1, First: 3 * s, Max: 2 * s}, []time.Duration{0, 2 * s, 2 * s}},
		{"weeks", storage.Backoff{First: 20 * 24 * h, Max: 60 * 24 * h}, []time.Duration{20 * 24 * h, 40 * 24 * h, 60 * 24 * h, 60 * 24 * h}},
		{"only counted", storage.Backoff{Free: 1 << 30}, []time.Duration{0, 0, 0}},
		{"nothing said", storage.Backoff{}, []time.Duration{0, 0, 0}},
		{"no first wait to double", storage.Backoff{Free: 1, Max: h}, []time.Duration{0, 0, 0}},
	}
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		for _, c := range schedules {
			t.Run(c.name, func(t *testing.T) {
				now := noon
				for i, wait := range c.waits {
					if wait > 0 && i > 0 && c.waits[i-1] > 0 {
						early := mustCount(t, db, c.name, c.b, now.Add(-time.Millisecond))
						if !early.Refused || early.Failures != i {
							t.Fatalf("a millisecond before the time try %d came to %+v", i+1, early)
						}
					}
					a := mustCount(t, db, c.name, c.b, now)
					if a.Refused || a.Locked || a.Failures != i+1 || !a.NotBefore.Equal(now.Add(wait)) {
						t.Fatalf("failure %d: %+v, want to wait %v", i+1, a, wait)
					}
					now = a.NotBefore
				}
			})
		}
	})
}

func TestBackoffLocks(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		b := storage.Backoff{Free: 10, LockAfter: 3}
		for i := range 5 {
			a := mustCount(t, db, "c", b, noon)
			want := storage.Attempts{Failures: min(i+1, 3), Today: min(i+1, 3), Locked: i >= 2, Refused: i >= 3, NotBefore: noon}
			mustEqual(t, a, want)
		}
		// Time doesn't unlock.
		if a := must(db.Attempts(t.Context(), "c", noon.Add(1000*time.Hour)))(t); !a.Locked || !a.Refused {
			t.Fatalf("after a while: %+v", a)
		}
		if a := mustCount(t, db, "c", storage.Backoff{}, noon.Add(1000*time.Hour)); !a.Refused {
			t.Fatalf("under another rule: %+v", a)
		}
		mustClear(t, db, "c")
		if a := mustCount(t, db, "c", b, noon); a.Refused || a.Locked || a.Failures != 1 {
			t.Fatalf("after an unlock: %+v", a)
		}
		if a := mustCount(t, db, "once", storage.Backoff{LockAfter: 1}, noon); !a.Locked || a.Refused {
			t.Fatalf("the only try: %+v", a)
		}
	})
}

func TestRefusedIsNotCounted(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		b := storage.Backoff{First: time.Minute, Max: time.Hour}
		first := mustCount(t, db, "c", b, noon)
		for range 5 {
			first.Refused = true
			mustEqual(t, mustCount(t, db, "c", b, noon.Add(time.Second)), first)
			mustEqual(t, must(db.Attempts(t.Context(), "c", noon.Add(time.Second)))(t), first)
		}
		if a := must(db.Attempts(t.Context(), "c", first.NotBefore))(t); a.Refused {
			t.Fatalf("when the time has come: %+v", a)
		}
	})
}

func TestClearAttempts(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		b := storage.Backoff{Free: 1, First: time.Minute, Max: time.Hour}
		mustCount(t, db, "c", b, noon)
		mustCount(t, db, "other", b, noon)
		a := mustCount(t, db, "c", b, noon)
		mustClear(t, db, "c")
		// The success before is no failure of the day; the first one is.
		mustEqual(t, must(db.Attempts(t.Context(), "c", noon))(t), storage.Attempts{Today: 1, NotBefore: time.UnixMilli(0).UTC()})
		mustEqual(t, mustCount(t, db, "c", b, noon), storage.Attempts{Failures: 1, Today: 2, NotBefore: noon})
		if a.Failures != 2 {
			t.Fatalf("before it was cleared: %+v", a)
		}
		if other := must(db.Attempts(t.Context(), "other", noon))(t); other.Failures != 1 {
			t.Fatalf("another counter: %+v", other)
		}
	})
}

func TestAttemptsOfTheDay(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		b := storage.Backoff{Free: 1 << 30}
		midnight := time.Date(2026, 3, 15, 0, 0, 0, 0, time.UTC)
		today := func(now time.Time, failures, want int) {
			t.Helper()
			if a := mustCount(t, db, "c", b, now); a.Today != want || a.Failures != failures {
				t.Fatalf("at %v: %+v, want %d failures, %d today", now, a, failures, want)
			}
			if a := must(db.Attempts(t.Context(), "c", now))(t); a.Today != want {
				t.Fatalf("at %v it reads %+v, want %d today", now, a, want)
			}
		}
		today(noon, 1, 1)
		today(midnight.Add(-time.Millisecond), 2, 2)
		if a := must(db.Attempts(t.Context(), "c", midnight))(t); a.Today != 0 || a.Failures != 2 {
			t.Fatalf("at midnight: %+v", a)
		}
		today(midnight, 3, 1)
		today(midnight, 4, 2)
		mustClear(t, db, "c")
		today(midnight, 1, 2)
	})
}

func TestAttemptsOfUnknownCounter(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		mustClear(t, db, "c") // is no mistake
		mustEqual(t, must(db.Attempts(t.Context(), "c", noon))(t), storage.Attempts{})
	})
}

func TestForgetAttempts(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		ids := []string{"code:jürgen:totp", "code:jürgen:sms", "code:jürgens:totp", "code:j%", "password:jürgen"}
		for _, id := range ids {
			mustCount(t, db, id, storage.Backoff{LockAfter: 1}, noon)
		}
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.ForgetAttempts(ctx, "code:jürgen:") })
		for i, id := range ids {
			if a := must(db.Attempts(t.Context(), id, noon))(t); a.Locked != (i >= 2) {
				t.Errorf("%s: %+v", id, a)
			}
		}
	})
}

// Whoever tries many at once gets no more tries than one after the other.
func TestAttemptsInParallel(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		const free, lockAfter = 4, 7
		for round := range 20 {
			id := fmt.Sprint("c", round)
			for _, c := range []struct {
				b    storage.Backoff
				want int // tries made
			}{
				// The one after the free ones is made, and starts the waiting.
				{storage.Backoff{Free: free, First: 30 * time.Second, Max: time.Hour}, free + 1},
				{storage.Backoff{Free: 1 << 30, LockAfter: lockAfter}, lockAfter},
			} {
				id += "!"
				tries := make([]storage.Attempts, 50)
				for i, err := range atOnce(len(tries), func(i int) error {
					return write(t, db, func(ctx context.Context, tx *storage.Tx) (err error) {
						tries[i], err = tx.CountAttempt(ctx, id, c.b, noon)
						return err
					})
				}) {
					if err != nil {
						t.Fatalf("try %d: %v", i, err)
					}
				}
				made := 0
				for _, a := range tries {
					if !a.Refused {
						made++
					}
				}
				if made != c.want {
					t.Fatalf("%d of %d tries at once were made, want %d", made, len(tries), c.want)
				}
				if a := must(db.Attempts(t.Context(), id, noon))(t); a.Failures != c.want || a.Today != c.want || !a.Refused {
					t.Fatalf("afterwards: %+v", a)
				}
			}
		}
	})
}
