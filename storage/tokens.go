package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Token is an opaque access token or a refresh token, by its hash.
type Token struct {
	Hash string
	// Kind is AccessToken, RefreshToken or JWTAccessToken; the Hash of the latter
	// is that of its jti.
	Kind    string
	GrantID string
	// Parent is the hash of the refresh token it was issued for, or of the access
	// token it was exchanged for (RFC 8693); empty for the first ones of a grant.
	Parent string
	Scope  string
	// Audience is the resource that a JWT access token is for (RFC 8707).
	Audience string
	// Cnf is what the token is bound to, the JSON of a cnf claim (RFC 7800
	// section 3.1); empty for a bearer token.
	Cnf       string
	CreatedAt time.Time
	ExpiresAt time.Time
}

const (
	AccessToken    = "access"
	RefreshToken   = "refresh"
	JWTAccessToken = "jwt"
)

// A refresh token presented again is a lost response where it comes soon and
// its successor was never used, and theft otherwise. Within RetryAfter of the
// first time it is neither answered nor held against anyone: that is two calls
// at once, of which one was answered.
const (
	RetryAfter  = time.Second
	RetryWithin = 10 * time.Second
)

// InsertTokens keeps the tokens of one response.
func (tx *Tx) InsertTokens(ctx context.Context, tokens ...Token) error {
	var rows []string
	var args []any
	for _, t := range tokens {
		rows = append(rows, placeholders(len(args), 9))
		args = append(args, t.Hash, t.Kind, t.GrantID, t.Parent, t.Scope, t.Audience, t.Cnf, stamp(t.CreatedAt), stamp(t.ExpiresAt))
	}
	_, err := tx.run.exec(ctx, `INSERT INTO tokens (hash, kind, grant_id, parent, scope, audience, cnf, created_at, expires_at) VALUES `+strings.Join(rows, ", "), args...)
	return wrap(err, "keep tokens")
}

// AccessTokenStanding returns an unexpired, unrevoked access token of a kind
// with its grant, person and session, by one statement. ErrNotFound otherwise.
func (r Reader) AccessTokenStanding(ctx context.Context, kind, hash string, now time.Time) (*Token, *Standing, error) {
	var st Standing
	t := Token{Hash: hash, Kind: kind}
	err := r.run.queryRow(ctx, `SELECT t.scope, t.audience, t.cnf, t.created_at, t.expires_at, `+standingColumns+`
		FROM tokens t JOIN grants g ON g.id = t.grant_id`+standingJoins+`
		WHERE t.hash = $1 AND t.kind = $3 AND t.expires_at > $2 AND t.revoked_at IS NULL`, hash, stamp(now), kind).
		Scan(append([]any{&t.Scope, &t.Audience, &t.Cnf, into(&t.CreatedAt), into(&t.ExpiresAt)}, st.targets()...)...)
	if err == nil {
		err = r.unseal(&st.User)
	}
	_, err = found(&st, err, "access token")
	return &t, &st, err
}

// SpendRefreshToken uses up a refresh token and returns it. One that is bound
// (Cnf) stays good: whoever copies it can't use it, so it needs no successor.
// Its use is noted all the same, for the sake of the one before it.
// ErrSpent where it is unknown, expired, revoked or used.
func (tx *Tx) SpendRefreshToken(ctx context.Context, hash string, now time.Time) (*Token, error) {
	return tx.spendRefresh(ctx, `
		UPDATE tokens SET used_at = $2
		WHERE hash = $1 AND kind = 'refresh' AND (used_at IS NULL OR cnf <> '') AND revoked_at IS NULL AND expires_at > $2
		RETURNING grant_id, scope, cnf, expires_at`, hash, stamp(now))
}

// RetryRefreshToken accepts a used refresh token once more, between RetryAfter
// and RetryWithin of its use and while no successor was used; the successor
// that was never used is revoked. ErrSpent otherwise.
func (tx *Tx) RetryRefreshToken(ctx context.Context, hash string, now time.Time) (*Token, error) {
	t, err := tx.spendRefresh(ctx, `
		UPDATE tokens SET retried_at = $2
		WHERE hash = $1 AND kind = 'refresh' AND retried_at IS NULL AND revoked_at IS NULL AND expires_at > $2
			AND used_at > $3 AND used_at <= $4
			AND NOT EXISTS (SELECT 1 FROM tokens n WHERE n.parent = $1 AND n.used_at IS NOT NULL)
		RETURNING grant_id, scope, cnf, expires_at`, hash, stamp(now), stamp(now.Add(-RetryWithin)), stamp(now.Add(-RetryAfter)))
	if err != nil {
		return nil, err
	}
	// Where the successor was being used at the same moment, the statement above
	// couldn't see it yet; this one has waited for it.
	used, err := list(tx.run, ctx, "successors", func(row scanner) (used bool, err error) {
		err = row.Scan(&used)
		return used, err
	}, `UPDATE tokens SET revoked_at = $2 WHERE parent = $1 AND revoked_at IS NULL RETURNING used_at IS NOT NULL`, hash, stamp(now))
	if err != nil {
		return nil, err
	}
	if slices.Contains(used, true) {
		return nil, fmt.Errorf("use refresh token: %w", ErrSpent)
	}
	return t, nil
}

func (tx *Tx) spendRefresh(ctx context.Context, query, hash string, args ...any) (*Token, error) {
	t := Token{Hash: hash, Kind: RefreshToken}
	err := tx.run.queryRow(ctx, query, append([]any{hash}, args...)...).Scan(&t.GrantID, &t.Scope, &t.Cnf, into(&t.ExpiresAt))
	return &t, foundOrSpent(err, "use refresh token")
}

// UsedToken is what is remembered of a token that can't be used any more.
type UsedToken struct {
	GrantID, Kind, Cnf string
	UsedAt             time.Time
}

// Token returns the grant of a token whatever its state. ErrNotFound where it
// never existed or was cleaned up.
func (r Reader) Token(ctx context.Context, hash string) (*UsedToken, error) {
	var t UsedToken
	err := r.run.queryRow(ctx, `SELECT grant_id, kind, cnf, used_at FROM tokens WHERE hash = $1`, hash).Scan(&t.GrantID, &t.Kind, &t.Cnf, into(&t.UsedAt))
	return found(&t, err, "token")
}

// RevokeToken ends one token (RFC 7009), with all that it was exchanged for;
// the grant's others live on. ErrNotFound where there is no such token.
func (tx *Tx) RevokeToken(ctx context.Context, hash string, now time.Time) error {
	n, err := tx.run.exec(ctx, `UPDATE tokens SET revoked_at = $2 WHERE hash = $1`, hash, stamp(now))
	if err == nil && n == 0 {
		return fmt.Errorf("token: %w", ErrNotFound)
	}
	if err != nil {
		return wrap(err, "revoke token")
	}
	return tx.endExchanged(ctx, `SELECT g.id FROM grants g JOIN tokens t ON t.grant_id = g.id WHERE t.parent = $2 AND g.parent <> ''`, now, hash)
}

// HoldToken keeps a token from being revoked until this transaction is over.
// ErrSpent where it was.
func (tx *Tx) HoldToken(ctx context.Context, hash string) error {
	n, err := tx.run.exec(ctx, `UPDATE tokens SET hash = hash WHERE hash = $1 AND revoked_at IS NULL`, hash)
	return spent(n, err, "hold token")
}
