package storage

import (
	"context"
	"time"
)

// Link is a secret address that does one thing once.
type Link struct {
	// Hash is Hash of the secret in the address.
	Hash string
	// Purpose is what it does: "first-owner" or "set-up".
	Purpose string
	// UserID is whom it is for; empty for first-owner.
	UserID               string
	CreatedAt, ExpiresAt time.Time
	UsedAt               time.Time
}

// InsertLink keeps a link in place of the earlier unused one for the same
// purpose and person: a unique index lets one live, also where two are made at
// once.
func (tx *Tx) InsertLink(ctx context.Context, l Link) error {
	_, err := tx.run.exec(ctx, `
		INSERT INTO links (hash, purpose, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (purpose, COALESCE(user_id, '')) WHERE used_at IS NULL DO UPDATE SET
			hash = excluded.hash, created_at = excluded.created_at, expires_at = excluded.expires_at`,
		l.Hash, l.Purpose, nullable(l.UserID), stamp(l.CreatedAt), stamp(l.ExpiresAt))
	return wrap(err, "keep link")
}

// Link returns a link whatever its state. ErrNotFound where there is none.
func (r Reader) Link(ctx context.Context, hash string) (*Link, error) {
	l := Link{Hash: hash}
	var user *string
	err := r.run.queryRow(ctx, `SELECT purpose, user_id, created_at, expires_at, used_at FROM links WHERE hash = $1`, hash).
		Scan(&l.Purpose, &user, into(&l.CreatedAt), into(&l.ExpiresAt), into(&l.UsedAt))
	if user != nil {
		l.UserID = *user
	}
	return found(&l, err, "link")
}

// SpendLink uses a link up. ErrSpent where it is unknown, expired or used.
func (tx *Tx) SpendLink(ctx context.Context, hash string, now time.Time) error {
	n, err := tx.run.exec(ctx, `UPDATE links SET used_at = $2 WHERE hash = $1 AND used_at IS NULL AND expires_at > $2`, hash, stamp(now))
	return spent(n, err, "use link")
}
