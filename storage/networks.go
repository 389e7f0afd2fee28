package storage

import (
	"context"
	"time"
)

// SeeNetwork notes that a person signed in from a network (a /24 or /48).
func (tx *Tx) SeeNetwork(ctx context.Context, userID, network string, now time.Time) error {
	_, err := tx.run.exec(ctx, `
		INSERT INTO known_networks (user_id, network, last_seen_at) VALUES ($1, $2, $3)
		ON CONFLICT (user_id, network) DO UPDATE SET last_seen_at = excluded.last_seen_at`, userID, network, stamp(now))
	return wrap(err, "note network")
}

// KnowsNetwork says whether a person has signed in from a network before.
func (r Reader) KnowsNetwork(ctx context.Context, userID, network string) (yes bool, err error) {
	err = r.run.queryRow(ctx, `SELECT EXISTS (SELECT 1 FROM known_networks WHERE user_id = $1 AND network = $2)`, userID, network).Scan(&yes)
	return yes, wrap(err, "look up network")
}
