package storage

import (
	"context"
	"encoding/json"
	"time"
)

// PushedRequest is an authorization request that waits here for the browser
// that will refer to it (RFC 9126).
type PushedRequest struct {
	// Hash is Hash of the reference.
	Hash     string
	ClientID string
	// Params are the request as idp keeps it.
	Params json.RawMessage
	// AuthRequestID is what became of it once it was used; empty: an answer at
	// once, or none yet.
	AuthRequestID                string
	CreatedAt, ExpiresAt, UsedAt time.Time
}

// InsertPushedRequest keeps a new request.
func (tx *Tx) InsertPushedRequest(ctx context.Context, r PushedRequest) error {
	_, err := tx.run.exec(ctx, `INSERT INTO pushed_requests (hash, client_id, params, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		r.Hash, r.ClientID, object(r.Params), stamp(r.CreatedAt), stamp(r.ExpiresAt))
	return wrap(err, "keep pushed request")
}

// PushedRequest returns a request whether or not it is used or expired.
// ErrNotFound where there is none (any more).
func (r Reader) PushedRequest(ctx context.Context, hash string) (*PushedRequest, error) {
	p := PushedRequest{Hash: hash}
	err := r.run.queryRow(ctx, `SELECT client_id, params, auth_request_id, created_at, expires_at, used_at FROM pushed_requests WHERE hash = $1`, hash).
		Scan(&p.ClientID, document{&p.Params}, &p.AuthRequestID, into(&p.CreatedAt), into(&p.ExpiresAt), into(&p.UsedAt))
	return found(&p, err, "pushed request")
}

// UsePushedRequest spends a client's request; authRequestID is what it became,
// empty where it was answered at once. ErrSpent where it is unknown, another
// client's, expired or used.
func (tx *Tx) UsePushedRequest(ctx context.Context, hash, clientID, authRequestID string, now time.Time) error {
	n, err := tx.run.exec(ctx, `
		UPDATE pushed_requests SET used_at = $4, auth_request_id = $3
		WHERE hash = $1 AND client_id = $2 AND used_at IS NULL AND expires_at > $4`,
		hash, clientID, authRequestID, stamp(now))
	return spent(n, err, "use pushed request")
}
