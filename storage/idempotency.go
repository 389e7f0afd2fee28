package storage

import (
	"context"
	"fmt"
	"time"
)

// Repeatable is a creation that may be asked for again by the same key, and
// its answer, which is given again then.
type Repeatable struct {
	// ID stands for who asks and the key they chose.
	ID string
	// Fingerprint is of what was asked for.
	Fingerprint string
	// Answer is sealed at rest, for it may hold a new secret.
	Answer    []byte
	ExpiresAt time.Time
}

// Repeatable returns what was kept by an id, and hasn't expired. ErrNotFound
// otherwise.
func (r Reader) Repeatable(ctx context.Context, id string, now time.Time) (*Repeatable, error) {
	c := Repeatable{ID: id}
	var sealed []byte
	err := r.run.queryRow(ctx, `SELECT fingerprint, answer, expires_at FROM idempotency WHERE id = $1 AND expires_at > $2`, id, stamp(now)).
		Scan(&c.Fingerprint, &sealed, into(&c.ExpiresAt))
	if err == nil {
		c.Answer, err = r.db.sealer.open(sealed, "idempotency:"+id)
	}
	return found(&c, err, "answer to a creation")
}

// ClaimRepeatable takes an id for this transaction. ErrTaken where another has
// it: one that runs at the same time is waited for.
func (tx *Tx) ClaimRepeatable(ctx context.Context, c Repeatable, now time.Time) error {
	n, err := tx.run.exec(ctx, `
		INSERT INTO idempotency AS i (id, fingerprint, created_at, expires_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, answer = NULL, created_at = excluded.created_at, expires_at = excluded.expires_at
		WHERE i.expires_at <= $3`, c.ID, c.Fingerprint, stamp(now), stamp(c.ExpiresAt))
	if err == nil && n == 0 {
		return fmt.Errorf("key of a creation: %w", ErrTaken)
	}
	return wrap(err, "claim key of a creation")
}

// AnswerRepeatable keeps the answer, in the transaction that claimed the id.
func (tx *Tx) AnswerRepeatable(ctx context.Context, id string, answer []byte) error {
	_, err := tx.run.exec(ctx, `UPDATE idempotency SET answer = $2 WHERE id = $1`, id, tx.db.sealer.seal(answer, "idempotency:"+id))
	return wrap(err, "keep answer to a creation")
}
