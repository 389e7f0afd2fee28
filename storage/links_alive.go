package storage

import (
	"context"
	"time"
)

// HasLink says whether a person has a link of a purpose that still works.
func (r Reader) HasLink(ctx context.Context, purpose, userID string, now time.Time) (yes bool, err error) {
	err = r.run.queryRow(ctx, `SELECT EXISTS (SELECT 1 FROM links WHERE purpose = $1 AND user_id = $2 AND used_at IS NULL AND expires_at > $3)`,
		purpose, userID, stamp(now)).Scan(&yes)
	return yes, wrap(err, "look for a link")
}

// LinkOf returns a person's link of a purpose that still works. ErrNotFound
// where there is none.
func (r Reader) LinkOf(ctx context.Context, purpose, userID string, now time.Time) (*Link, error) {
	hash := ""
	err := r.run.queryRow(ctx, `SELECT hash FROM links WHERE purpose = $1 AND user_id = $2 AND used_at IS NULL AND expires_at > $3`,
		purpose, userID, stamp(now)).Scan(&hash)
	if _, err := found(&hash, err, "link"); err != nil {
		return nil, err
	}
	return r.Link(ctx, hash)
}

// VoidLinks takes back a person's links of these purposes that nobody has used
// yet: from now on they have expired.
func (tx *Tx) VoidLinks(ctx context.Context, userID string, now time.Time, purposes ...string) error {
	for _, purpose := range purposes {
		_, err := tx.run.exec(ctx, `UPDATE links SET expires_at = $3 WHERE user_id = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3`, userID, purpose, stamp(now))
		if err != nil {
			return wrap(err, "void links")
		}
	}
	return nil
}
