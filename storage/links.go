package storage

import (
	"context"
	"time"
)

// Link is a secret address that does one thing once.
type Link struct {
	// Hash is Hash of the secret in the address.
	Hash string
	// Purpose is what it does, as login names it: "set-up", "reset", "invite".
	Purpose string
	// UserID is whom it is for; empty for first-owner.
	UserID string
	// Data is what it carries, such as an address to confirm; sealed at rest.
	Data                 string
	CreatedAt, ExpiresAt time.Time
	UsedAt               time.Time
}

// InsertLink keeps a link in place of the earlier unused one for the same
// purpose and person: a unique index lets one live, also where two are made at
// once.
func (tx *Tx) InsertLink(ctx context.Context, l Link) error {
	_, err := tx.run.exec(ctx, `
		INSERT INTO links (hash, purpose, user_id, data, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (purpose, COALESCE(user_id, '')) WHERE used_at IS NULL DO UPDATE SET
			hash = excluded.hash, data = excluded.data, created_at = excluded.created_at, expires_at = excluded.expires_at`,
		l.Hash, l.Purpose, nullable(l.UserID), tx.sealLink(l), stamp(l.CreatedAt), stamp(l.ExpiresAt))
	return wrap(err, "keep link")
}

func (tx *Tx) sealLink(l Link) []byte {
	if l.Data == "" {
		return nil
	}
	return tx.db.sealer.seal([]byte(l.Data), "links:"+l.Hash)
}

// Link returns a link whatever its state. ErrNotFound where there is none.
func (r Reader) Link(ctx context.Context, hash string) (*Link, error) {
	l := Link{Hash: hash}
	var user *string
	var data []byte
	err := r.run.queryRow(ctx, `SELECT purpose, user_id, data, created_at, expires_at, used_at FROM links WHERE hash = $1`, hash).
		Scan(&l.Purpose, &user, &data, into(&l.CreatedAt), into(&l.ExpiresAt), into(&l.UsedAt))
	if user != nil {
		l.UserID = *user
	}
	if err == nil && len(data) > 0 {
		data, err = r.db.sealer.open(data, "links:"+hash)
		l.Data = string(data)
	}
	return found(&l, err, "link")
}

// SpendLink uses a link up. ErrSpent where it is unknown, expired or used.
func (tx *Tx) SpendLink(ctx context.Context, hash string, now time.Time) error {
	n, err := tx.run.exec(ctx, `UPDATE links SET used_at = $2 WHERE hash = $1 AND used_at IS NULL AND expires_at > $2`, hash, stamp(now))
	return spent(n, err, "use link")
}
