package storage

import (
	"context"
	"fmt"
	"time"
)

// MachineToken is an access token that a product holds for itself, by its hash
// (RFC 6749 section 4.4). No person and no session stands behind it.
type MachineToken struct {
	Hash, ClientID string
	// Kind is AccessToken or JWTAccessToken, whose Hash is that of its jti.
	Kind string
	// Scope is space-delimited, and may be empty.
	Scope string
	// Audience and Cnf are as those of Token.
	Audience, Cnf        string
	CreatedAt, ExpiresAt time.Time
}

// InsertMachineToken keeps a machine's token.
func (tx *Tx) InsertMachineToken(ctx context.Context, t MachineToken) error {
	_, err := tx.run.exec(ctx, `INSERT INTO machine_tokens (hash, kind, client_id, scope, audience, cnf, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		t.Hash, t.Kind, t.ClientID, t.Scope, t.Audience, t.Cnf, stamp(t.CreatedAt), stamp(t.ExpiresAt))
	return wrap(err, "keep machine token")
}

// MachineToken returns a machine's unexpired, unrevoked token of a kind.
// ErrNotFound otherwise.
func (r Reader) MachineToken(ctx context.Context, kind, hash string, now time.Time) (*MachineToken, error) {
	t := MachineToken{Hash: hash, Kind: kind}
	err := r.run.queryRow(ctx, `SELECT client_id, scope, audience, cnf, created_at, expires_at FROM machine_tokens
		WHERE hash = $1 AND expires_at > $2 AND kind = $3 AND revoked_at IS NULL`, hash, stamp(now), kind).
		Scan(&t.ClientID, &t.Scope, &t.Audience, &t.Cnf, into(&t.CreatedAt), into(&t.ExpiresAt))
	return found(&t, err, "machine token")
}

// RevokeMachineToken ends a machine's token (RFC 7009). ErrNotFound where the
// client has no such token.
func (tx *Tx) RevokeMachineToken(ctx context.Context, hash, clientID string, now time.Time) error {
	n, err := tx.run.exec(ctx, `UPDATE machine_tokens SET revoked_at = COALESCE(revoked_at, $3) WHERE hash = $1 AND client_id = $2`, hash, clientID, stamp(now))
	if err == nil && n == 0 {
		return fmt.Errorf("machine token: %w", ErrNotFound)
	}
	return wrap(err, "revoke machine token")
}

// RevokeMachineTokens ends all tokens that a client holds for itself.
func (tx *Tx) RevokeMachineTokens(ctx context.Context, clientID string, now time.Time) error {
	_, err := tx.run.exec(ctx, `UPDATE machine_tokens SET revoked_at = $2 WHERE client_id = $1 AND revoked_at IS NULL`, clientID, stamp(now))
	return wrap(err, "revoke machine tokens")
}
