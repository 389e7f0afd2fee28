package storage

import (
	"context"
	"time"
)

// SigningKey is a key for tokens. It is published from CreatedAt, signs from
// SignsFrom until it is retired, and is published until the last token it
// signed has expired.
type SigningKey struct {
	// ID is the kid.
	ID string
	// Alg is RS256 or ES256 (RFC 7518 section 3.1).
	Alg string
	// Private is PKCS #8, sealed at rest.
	Private   []byte
	CreatedAt time.Time
	SignsFrom time.Time
	RetiredAt time.Time
}

// SigningKeys lists all keys, oldest first, from the cache unless in a
// transaction.
func (r Reader) SigningKeys(ctx context.Context) ([]*SigningKey, error) {
	return cached(r, "signing keys", func() ([]*SigningKey, error) { return r.signingKeys(ctx) })
}

// SigningKeysNow lists all keys past the cache.
func (r Reader) SigningKeysNow(ctx context.Context) ([]*SigningKey, error) { return r.signingKeys(ctx) }

func (r Reader) signingKeys(ctx context.Context) ([]*SigningKey, error) {
	return list(r.run, ctx, "signing keys", func(row scanner) (*SigningKey, error) {
		var k SigningKey
		err := row.Scan(&k.ID, &k.Alg, &k.Private, into(&k.CreatedAt), into(&k.SignsFrom), into(&k.RetiredAt))
		if err == nil {
			k.Private, err = r.db.sealer.open(k.Private, "signing_keys:"+k.ID)
		}
		return found(&k, err, "signing key")
	}, `SELECT id, alg, private, created_at, signs_from, retired_at FROM signing_keys ORDER BY created_at, id`)
}

// InsertSigningKey publishes a new key.
func (tx *Tx) InsertSigningKey(ctx context.Context, k SigningKey) error {
	tx.changedCached = true
	_, err := tx.run.exec(ctx, `INSERT INTO signing_keys (id, alg, private, created_at, signs_from) VALUES ($1, $2, $3, $4, $5)`,
		k.ID, k.Alg, tx.db.sealer.seal(k.Private, "signing_keys:"+k.ID), stamp(k.CreatedAt), stamp(k.SignsFrom))
	return wrap(err, "add signing key")
}

// RetireSigningKeys says from when the keys of an algorithm that signed so far
// no longer do; except is the one that follows them.
func (tx *Tx) RetireSigningKeys(ctx context.Context, alg, except string, at time.Time) error {
	tx.changedCached = true
	_, err := tx.run.exec(ctx, `UPDATE signing_keys SET retired_at = $3 WHERE alg = $1 AND id <> $2 AND (retired_at IS NULL OR retired_at > $3)`, alg, except, stamp(at))
	return wrap(err, "retire signing keys")
}

// DeleteSigningKeys forgets keys retired before a moment.
func (tx *Tx) DeleteSigningKeys(ctx context.Context, retiredBefore time.Time) (int64, error) {
	n, err := tx.run.exec(ctx, `DELETE FROM signing_keys WHERE retired_at < $1`, stamp(retiredBefore))
	tx.changedCached = tx.changedCached || n > 0
	return n, wrap(err, "delete signing keys")
}
