package storage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Backoff says how failures in a row slow down further tries.
type Backoff struct {
	// Free failures cost nothing; the next one waits First, and each after it
	// twice as long, up to Max.
	Free       int
	First, Max time.Duration
	// LockAfter failures in a row nothing is tried any more until
	// ClearAttempts; 0: never.
	LockAfter int
}

// Attempts is how a counter stands after a try was counted.
type Attempts struct {
	// Failures in a row, this try counted as one.
	Failures int
	// Today counts tries of this UTC day that failed.
	Today int
	// Refused says that the try may not be made: too early, or locked.
	Refused bool
	Locked  bool
	// NotBefore is when the next try may be made.
	NotBefore time.Time
}

// CountAttempt counts one try as failed before it is made, in one statement,
// so that parallel tries can't outrun the counter. Whoever then succeeds calls
// ClearAttempts in the same transaction. The counter must be committed even
// where what it protects is refused.
func (tx *Tx) CountAttempt(ctx context.Context, id string, b Backoff, now time.Time) (Attempts, error) {
	at, today := now.UnixMilli(), now.UnixMilli()/(24*time.Hour).Milliseconds()
	var a Attempts
	err := tx.run.queryRow(ctx, `
		INSERT INTO attempts AS a (id, failures, not_before, locked, day, day_count, updated_at) VALUES ($1, 1, $2, $3, $4, 1, $5)
		ON CONFLICT (id) DO UPDATE SET
			failures = a.failures + 1,
			not_before = $5 + `+b.wait()+`,
			locked = a.locked OR a.failures + 1 >= $6,
			day_count = CASE WHEN a.day = $4 THEN a.day_count + 1 ELSE 1 END,
			day = $4,
			updated_at = $5
		WHERE a.not_before <= $5 AND NOT a.locked
		RETURNING failures, not_before, locked, day_count`,
		id, at+b.after(1).Milliseconds(), b.LockAfter == 1, today, at, b.lockAfter()).
		Scan(&a.Failures, into(&a.NotBefore), &a.Locked, &a.Today)
	if _, err = found(&a, err, "counter"); err == nil {
		return a, nil
	}
	if a, err = tx.Attempts(ctx, id, now); err != nil {
		return a, err
	}
	a.Refused = true
	return a, nil
}

// Attempts says how a counter stands without counting; a counter nobody used
// stands at zero.
func (r Reader) Attempts(ctx context.Context, id string, now time.Time) (Attempts, error) {
	var a Attempts
	var day int64
	err := r.run.queryRow(ctx, `SELECT failures, not_before, locked, day, day_count FROM attempts WHERE id = $1`, id).
		Scan(&a.Failures, into(&a.NotBefore), &a.Locked, &day, &a.Today)
	if _, err = found(&a, err, "counter"); errors.Is(err, ErrNotFound) {
		return Attempts{}, nil
	} else if err != nil {
		return Attempts{}, err
	}
	if day != now.UnixMilli()/(24*time.Hour).Milliseconds() {
		a.Today = 0
	}
	a.Refused = a.Locked || a.NotBefore.After(now)
	return a, nil
}

// ClearAttempts forgets failures in a row after a success; the count of the
// day stays.
func (tx *Tx) ClearAttempts(ctx context.Context, id string) error {
	_, err := tx.run.exec(ctx, `UPDATE attempts SET failures = 0, not_before = 0, locked = FALSE, day_count = day_count - 1 WHERE id = $1`, id)
	return wrap(err, "clear counter")
}

// ForgetAttempts removes the counters whose id begins with prefix, for an
// administrator's unlock.
func (tx *Tx) ForgetAttempts(ctx context.Context, prefix string) error {
	_, err := tx.run.exec(ctx, `DELETE FROM attempts WHERE substr(id, 1, $1) = $2`, utf8.RuneCountInString(prefix), prefix)
	return wrap(err, "unlock")
}

func (b Backoff) lockAfter() int {
	if b.LockAfter == 0 {
		return 1 << 30
	}
	return b.LockAfter
}

// after is the wait that follows the n-th failure in a row.
func (b Backoff) after(n int) time.Duration {
	if n <= b.Free || b.First <= 0 {
		return 0
	}
	wait := b.First
	for range n - b.Free - 1 {
		if wait *= 2; wait >= b.Max {
			return b.Max
		}
	}
	return min(wait, b.Max)
}

// wait is after() as SQL over a.failures, the failures before this one: both
// engines know CASE, not one power function.
func (b Backoff) wait() string {
	if b.First <= 0 || b.Max <= 0 {
		return "0" // doubling leads nowhere
	}
	var s strings.Builder
	s.WriteString("CASE")
	n := b.Free + 1
	for ; b.after(n) < b.Max; n++ {
		fmt.Fprintf(&s, " WHEN a.failures = %d THEN %d", n-1, b.after(n).Milliseconds())
	}
	fmt.Fprintf(&s, " WHEN a.failures >= %d THEN %d ELSE 0 END", n-1, b.Max.Milliseconds())
	return s.String()
}
