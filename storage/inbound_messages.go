package storage

import (
	"context"
	"time"
)

// ReceiveOnce notes a message that came in by the id its carrier gave it.
// ErrSpent where it came before.
func (tx *Tx) ReceiveOnce(ctx context.Context, id string, now time.Time) error {
	n, err := tx.run.exec(ctx, `INSERT INTO inbound_messages (id, received_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, id, stamp(now))
	return spent(n, err, "receive message")
}
