package storage

import (
	"context"
	"fmt"
	"time"
)

// GivenUp is a message that wasn't delivered, without what it says.
type GivenUp struct {
	ID, Kind string
	// Target is the client id, or a masked address.
	Target          string
	Error           string
	Tries           int
	CreatedAt, Last time.Time
	// Kept says that it can be tried again: what came too late or carried a code
	// that no longer counts isn't kept.
	Kept bool
}

// GivenUp lists messages that were given up, newest first. after is the id of
// the last one on the page before.
func (r Reader) GivenUp(ctx context.Context, after string, limit int) ([]*GivenUp, error) {
	return list(r.run, ctx, "messages given up", func(row scanner) (*GivenUp, error) {
		var m GivenUp
		err := row.Scan(&m.ID, &m.Kind, &m.Target, &m.Error, &m.Tries, into(&m.CreatedAt), into(&m.Last), &m.Kept)
		return found(&m, err, "message")
	}, `
		SELECT o.id, o.kind, o.target, o.last_error, o.tries, o.created_at, o.done_at, o.body IS NOT NULL FROM outbox o
		WHERE o.failed AND ($1 = '' OR EXISTS (SELECT 1 FROM outbox b WHERE b.id = $2 AND (o.done_at < b.done_at OR o.done_at = b.done_at AND o.id < b.id)))
		ORDER BY o.done_at DESC, o.id DESC LIMIT $3`, after, after, limit)
}

// RetryMessage puts a message that was given up back into the outbox, due at
// once: it is tried at least once more. ErrNotFound where none was given up by
// this id, ErrSpent where it isn't kept.
func (tx *Tx) RetryMessage(ctx context.Context, id string, now time.Time) (kind, target string, err error) {
	var kept bool
	err = tx.run.queryRow(ctx, `SELECT kind, target, body IS NOT NULL FROM outbox WHERE id = $1 AND failed`, id).Scan(&kind, &target, &kept)
	if _, err := found(&kept, err, "message"); err != nil {
		return "", "", err
	}
	if !kept {
		return "", "", fmt.Errorf("send message again: %w", ErrSpent)
	}
	n, err := tx.run.exec(ctx, `UPDATE outbox SET failed = FALSE, done_at = NULL, next_at = $2, lease_until = 0, tries = 0 WHERE id = $1 AND failed`, id, stamp(now))
	return kind, target, atLeastOne(n, err, "send message again")
}

// DropMessage forgets a message that was given up. ErrNotFound where there is
// none.
func (tx *Tx) DropMessage(ctx context.Context, id string) (kind, target string, err error) {
	err = tx.run.queryRow(ctx, `DELETE FROM outbox WHERE id = $1 AND failed RETURNING kind, target`, id).Scan(&kind, &target)
	_, err = found(&kind, err, "message")
	return kind, target, err
}
