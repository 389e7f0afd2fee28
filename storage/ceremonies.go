package storage

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Ceremony is a challenge on its way to an authenticator and back. BoundTo
// names the sign-in or session that began it.
type Ceremony struct {
	BoundTo, Kind string
	// UserID is whose key must answer; empty where the key says who it is.
	UserID    string
	Data      []byte
	ExpiresAt time.Time
}

// PutCeremony keeps a challenge, in place of the one before of the same kind.
func (tx *Tx) PutCeremony(ctx context.Context, c Ceremony) error {
	_, err := tx.run.exec(ctx, `
		INSERT INTO ceremonies (bound_to, kind, user_id, data, expires_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (bound_to, kind) DO UPDATE SET user_id = excluded.user_id, data = excluded.data, expires_at = excluded.expires_at`,
		c.BoundTo, c.Kind, c.UserID, string(c.Data), stamp(c.ExpiresAt))
	return wrap(err, "keep challenge")
}

// SpendCeremony takes a challenge away, once. ErrSpent where there is none, or
// it has expired.
func (tx *Tx) SpendCeremony(ctx context.Context, boundTo, kind string, now time.Time) (*Ceremony, error) {
	c := Ceremony{BoundTo: boundTo, Kind: kind}
	err := tx.run.queryRow(ctx, `DELETE FROM ceremonies WHERE bound_to = $1 AND kind = $2 AND expires_at > $3 RETURNING user_id, data, expires_at`, boundTo, kind, stamp(now)).
		Scan(&c.UserID, &c.Data, into(&c.ExpiresAt))
	return once(&c, err, "use challenge")
}

// once turns "no row" of a statement that spends into ErrSpent.
func once[T any](v *T, err error, doing string) (*T, error) {
	v, err = found(v, err, doing)
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("%s: %w", doing, ErrSpent)
	}
	return v, err
}
