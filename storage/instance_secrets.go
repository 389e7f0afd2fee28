package storage

import (
	"context"
	"crypto/rand"
	"errors"
)

// InstanceSecret returns 256 random bits of a name that stay the same for the
// whole life of this database, from the cache.
func (db *DB) InstanceSecret(ctx context.Context, name string) ([]byte, error) {
	secret, err := cached(db.Reader, "instance secret:"+name, func() ([]byte, error) { return db.instanceSecret(ctx, name) })
	if !errors.Is(err, ErrNotFound) {
		return secret, err
	}
	err = db.Write(ctx, func(tx *Tx) error {
		fresh := make([]byte, 32)
		rand.Read(fresh)
		// Another replica may be quicker; its secret is the one then.
		_, err := tx.run.exec(ctx, `INSERT INTO instance_secrets (name, secret) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`,
			name, tx.db.sealer.seal(fresh, "instance_secrets:"+name))
		return wrap(err, "make instance secret")
	})
	if err != nil {
		return nil, err
	}
	return db.instanceSecret(ctx, name)
}

func (r Reader) instanceSecret(ctx context.Context, name string) (secret []byte, err error) {
	err = r.run.queryRow(ctx, `SELECT secret FROM instance_secrets WHERE name = $1`, name).Scan(&secret)
	if err == nil {
		secret, err = r.db.sealer.open(secret, "instance_secrets:"+name)
	}
	_, err = found(&secret, err, "instance secret")
	return secret, err
}
