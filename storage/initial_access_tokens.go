package storage

import (
	"context"
	"time"
)

// InitialAccessToken lets whoever holds it register products (RFC 7591 section
// 3), by its hash.
type InitialAccessToken struct {
	Hash string
	// Name says to the operator whom it was given to.
	Name                 string
	UsesLeft             int
	CreatedAt, ExpiresAt time.Time
}

// InsertInitialAccessToken keeps a new one.
func (tx *Tx) InsertInitialAccessToken(ctx context.Context, t InitialAccessToken) error {
	_, err := tx.run.exec(ctx, `INSERT INTO initial_access_tokens (hash, name, uses_left, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		t.Hash, t.Name, t.UsesLeft, stamp(t.CreatedAt), stamp(t.ExpiresAt))
	return wrap(err, "keep initial access token")
}

// UseInitialAccessToken spends one use, and says to whom the token was given.
// ErrSpent where it is unknown, expired or used up.
func (tx *Tx) UseInitialAccessToken(ctx context.Context, hash string, now time.Time) (name string, err error) {
	err = tx.run.queryRow(ctx, `UPDATE initial_access_tokens SET uses_left = uses_left - 1
		WHERE hash = $1 AND uses_left > 0 AND expires_at > $2 RETURNING name`, hash, stamp(now)).Scan(&name)
	return name, foundOrSpent(err, "use initial access token")
}

// InitialAccessTokenGood says whether a token could be used now; that it still
// can be is for UseInitialAccessToken to say.
func (r Reader) InitialAccessTokenGood(ctx context.Context, hash string, now time.Time) (good bool, err error) {
	err = r.run.queryRow(ctx, `SELECT COUNT(*) > 0 FROM initial_access_tokens WHERE hash = $1 AND uses_left > 0 AND expires_at > $2`,
		hash, stamp(now)).Scan(&good)
	return good, wrap(err, "find initial access token")
}

// InitialAccessTokens lists those that can still be used, the newest first.
func (r Reader) InitialAccessTokens(ctx context.Context, now time.Time) ([]*InitialAccessToken, error) {
	return list(r.run, ctx, "initial access tokens", func(row scanner) (*InitialAccessToken, error) {
		var t InitialAccessToken
		err := row.Scan(&t.Hash, &t.Name, &t.UsesLeft, into(&t.CreatedAt), into(&t.ExpiresAt))
		return found(&t, err, "initial access token")
	}, `SELECT hash, name, uses_left, created_at, expires_at FROM initial_access_tokens
		WHERE uses_left > 0 AND expires_at > $1 ORDER BY created_at DESC, name`, stamp(now))
}

// DeleteInitialAccessTokens takes back those of a name. ErrNotFound where there
// are none.
func (tx *Tx) DeleteInitialAccessTokens(ctx context.Context, name string) error {
	n, err := tx.run.exec(ctx, `DELETE FROM initial_access_tokens WHERE name = $1`, name)
	return atLeastOne(n, err, "take back initial access token")
}
