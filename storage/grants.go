package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Grant is what a product holds of one sign-in: first a code, then tokens.
type Grant struct {
	ID, ClientID, UserID, SessionID string
	// Scope is space-delimited (RFC 6749 section 3.3).
	Scope string
	// Parent is the grant whose access token this one was exchanged for (RFC
	// 8693), itself perhaps an exchanged one. It ends with that; empty for all
	// others.
	Parent string
	// CodeHash is Hash of the authorization code; empty where there is none.
	CodeHash      string
	CodeExpiresAt time.Time
	CodeUsedAt    time.Time
	// Details are what idp keeps with the grant: what the code is bound to and
	// what the sign-in was worth when it was issued.
	Details json.RawMessage
	// Offline grants outlive the session (offline_access).
	Offline   bool
	CreatedAt time.Time
	// ExpiresAt is the absolute end of the refresh family.
	ExpiresAt time.Time
	RevokedAt time.Time
}

// Standing is a grant with what decides whether it still stands.
type Standing struct {
	Grant Grant
	User  User
	// SessionEnded says that the session was ended, has expired, or is gone.
	SessionEnded bool
}

const grantColumns = `g.id, g.client_id, g.user_id, g.session_id, g.parent, g.scope, g.code_expires_at, g.code_used_at, g.details, g.offline, g.created_at, g.expires_at, g.revoked_at`

func (g *Grant) targets() []any {
	return []any{&g.ID, &g.ClientID, &g.UserID, &g.SessionID, &g.Parent, &g.Scope, into(&g.CodeExpiresAt), into(&g.CodeUsedAt), document{&g.Details}, &g.Offline,
		into(&g.CreatedAt), into(&g.ExpiresAt), into(&g.RevokedAt)}
}

// standingColumns and standingJoins read a Standing from grants g; $2 is the
// time.
const standingColumns = grantColumns + `, ` + userColumns + `, (s.id IS NULL OR s.ended_at IS NOT NULL OR s.expires_at <= $2)`
const standingJoins = ` JOIN users u ON u.id = g.user_id LEFT JOIN sessions s ON s.id = g.session_id `

func (st *Standing) targets() []any {
	return append(append(st.Grant.targets(), st.User.targets()...), &st.SessionEnded)
}

// Standing returns a grant with its person and session. ErrNotFound where
// there is none.
func (r Reader) Standing(ctx context.Context, grantID string, now time.Time) (*Standing, error) {
	var st Standing
	err := r.run.queryRow(ctx, `SELECT `+standingColumns+` FROM grants g`+standingJoins+`WHERE g.id = $1`, grantID, stamp(now)).Scan(st.targets()...)
	if err == nil {
		err = r.unseal(&st.User)
	}
	return found(&st, err, "grant")
}

// InsertGrant keeps a grant, with its unredeemed code where it has one.
func (tx *Tx) InsertGrant(ctx context.Context, g Grant) error {
	_, err := tx.run.exec(ctx, `
		INSERT INTO grants (id, client_id, user_id, session_id, parent, scope, code_hash, code_expires_at, details, offline, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		g.ID, g.ClientID, g.UserID, g.SessionID, g.Parent, g.Scope, nullable(g.CodeHash), stamp(g.CodeExpiresAt), object(g.Details), g.Offline, stamp(g.CreatedAt), stamp(g.ExpiresAt))
	return wrap(err, "keep grant")
}

// HoldGrant keeps a grant from being revoked until this transaction is over.
// ErrSpent where it was.
func (tx *Tx) HoldGrant(ctx context.Context, id string) error {
	n, err := tx.run.exec(ctx, `UPDATE grants SET id = id WHERE id = $1 AND revoked_at IS NULL`, id)
	return spent(n, err, "hold grant")
}

// HoldSession keeps a session from being ended until this transaction is over,
// so that whoever ends it then sees what was given out in it. It comes first in
// a transaction, as holding a person does. ErrSpent where it has ended or
// expired.
func (tx *Tx) HoldSession(ctx context.Context, userID, sessionID string, now time.Time) error {
	if err := tx.HoldUser(ctx, userID); errors.Is(err, ErrNotFound) {
		return fmt.Errorf("hold session: %w", ErrSpent)
	} else if err != nil {
		return err
	}
	running := 0
	err := tx.run.queryRow(ctx, `SELECT 1 FROM sessions WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > $3`,
		sessionID, userID, stamp(now)).Scan(&running)
	return foundOrSpent(err, "hold session")
}

// SpendCode redeems an authorization code of a client and returns the grant's
// id. ErrSpent where the code is unknown, another client's, expired or used.
func (tx *Tx) SpendCode(ctx context.Context, codeHash, clientID string, now time.Time) (grantID string, err error) {
	err = tx.run.queryRow(ctx, `
		UPDATE grants SET code_used_at = $3
		WHERE code_hash = $1 AND client_id = $2 AND code_used_at IS NULL AND code_expires_at > $3 AND revoked_at IS NULL
		RETURNING id`, codeHash, clientID, stamp(now)).Scan(&grantID)
	return grantID, foundOrSpent(err, "redeem code")
}

func foundOrSpent(err error, doing string) error {
	if _, err = found(new(int), err, doing); errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%s: %w", doing, ErrSpent)
	}
	return err
}

// RevokeReplayedCode revokes the grant of a code that was redeemed before
// (RFC 6749 section 4.1.2) and says whose it was; ErrNotFound where the code
// was never redeemed.
func (tx *Tx) RevokeReplayedCode(ctx context.Context, codeHash string, now time.Time) (*Grant, error) {
	return tx.revokeGrant(ctx, `code_hash = $1 AND code_used_at IS NOT NULL`, codeHash, now)
}

// RevokeGrant ends a grant with all its tokens, and what they were exchanged
// for.
func (tx *Tx) RevokeGrant(ctx context.Context, id string, now time.Time) (*Grant, error) {
	return tx.revokeGrant(ctx, `id = $1`, id, now)
}

func (tx *Tx) revokeGrant(ctx context.Context, where, arg string, now time.Time) (*Grant, error) {
	var g Grant
	returned := strings.ReplaceAll(grantColumns, "g.", "") // SQLite's RETURNING knows no alias
	err := tx.run.queryRow(ctx, `UPDATE grants SET revoked_at = COALESCE(revoked_at, $2) WHERE `+where+` RETURNING `+returned, arg, stamp(now)).Scan(g.targets()...)
	if _, err := found(&g, err, "grant"); err != nil {
		return nil, err
	}
	return &g, tx.endExchanged(ctx, `SELECT id FROM grants WHERE parent <> '' AND parent = $2`, now, g.ID)
}
