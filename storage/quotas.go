package storage

import (
	"context"
	"fmt"
	"time"
)

// Quota is a ceiling: at most Max in Window, counted per ID.
type Quota struct {
	ID     string
	Max    int
	Window time.Duration
}

// QuotaError says that a ceiling was reached, and when there is room again.
type QuotaError struct {
	Quota Quota
	Until time.Time
}

func (e *QuotaError) Error() string {
	return fmt.Sprintf("at most %d in %s of %s", e.Quota.Max, e.Quota.Window, e.Quota.ID)
}

// TakeQuotas takes one of each quota, or none and returns *QuotaError of the
// one with the longest wait: the caller returns the error, so that nothing of
// its transaction is kept. Each is one conditional statement, so callers at
// once can't take more than there is.
func (tx *Tx) TakeQuotas(ctx context.Context, quotas []Quota, now time.Time) error {
	var refused *QuotaError
	for _, q := range quotas {
		n, err := tx.run.exec(ctx, `
			INSERT INTO quotas AS q (id, began_at, taken, expires_at) VALUES ($1, $2, 1, $3)
			ON CONFLICT (id) DO UPDATE SET
				taken = CASE WHEN q.expires_at <= $2 THEN 1 ELSE q.taken + 1 END,
				began_at = CASE WHEN q.expires_at <= $2 THEN $2 ELSE q.began_at END,
				expires_at = CASE WHEN q.expires_at <= $2 THEN $3 ELSE q.expires_at END
			WHERE q.expires_at <= $2 OR q.taken < $4`, q.ID, stamp(now), stamp(now.Add(q.Window)), q.Max)
		if err != nil {
			return wrap(err, "take quota")
		}
		if n == 1 {
			continue
		}
		e := QuotaError{Quota: q}
		err = tx.run.queryRow(ctx, `SELECT expires_at FROM quotas WHERE id = $1`, q.ID).Scan(into(&e.Until))
		if _, err := found(&e, err, "quota"); err != nil {
			return err
		}
		if refused == nil || e.Until.After(refused.Until) {
			refused = &e
		}
	}
	if refused != nil {
		return refused
	}
	return nil
}
