package storage

import (
	"context"
	"time"
)

// UseID notes that an id of a signed message (a jti) was used, until the
// message would be refused for its age anyway. what keeps kinds and keys apart.
// ErrSpent where it was used before.
func (tx *Tx) UseID(ctx context.Context, what, id string, until time.Time) error {
	n, err := tx.run.exec(ctx, `INSERT INTO used_ids (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, Hash(what+"\x00"+id), stamp(until))
	return spent(n, err, "use "+what)
}
