package storage

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// MaxSecretOverlap is how long a replaced secret may go on working.
const MaxSecretOverlap = 30 * 24 * time.Hour

var (
	// ErrNoSecret says that a product authenticates without a secret, or not at
	// all.
	ErrNoSecret = errors.New("the product is registered with an auth_method that uses no secret")
	// ErrLongOverlap says that a replaced secret would work for too long.
	ErrLongOverlap = errors.New("a replaced secret may work for 30 days at most")
)

// NewClientSecret makes a secret for a product that authenticates by method.
// One that signs by its secret gets 64 characters, as HS512 needs (RFC 7518
// section 3.2), so that its algorithm can be changed later.
func NewClientSecret(method string) string {
	if method == ClientSecretJWT {
		return random(48)
	}
	return NewSecret()
}

// RotateSecret gives a product a new secret. The one before works
// until oldUntil; where that isn't in the future it ends at once, and with it
// every token that the product fetched for itself. One that registered itself
// (RFC 7592) can no longer change its registration: whoever replaces its secret
// takes it over. The caller writes the audit.
// ErrNotFound where there is no such product or it is the provider's own,
// ErrNoSecret for a public one, ErrLongOverlap beyond MaxSecretOverlap.
func (tx *Tx) RotateSecret(ctx context.Context, clientID, secret string, oldUntil, now time.Time) error {
	c, err := tx.Client(ctx, clientID)
	switch {
	case err != nil:
		return err
	case c.Internal:
		return fmt.Errorf("product %q: %w", clientID, ErrNotFound)
	case !c.HasSecret():
		return ErrNoSecret
	case oldUntil.Sub(now) > MaxSecretOverlap:
		return ErrLongOverlap
	}
	tx.changedCached = true
	var sealed []byte
	if c.AuthMethod == ClientSecretJWT {
		sealed = tx.sealSecret(secret, clientID)
	}
	if oldUntil.After(now) {
		_, err = tx.run.exec(ctx, `UPDATE clients SET old_secret_hash = secret_hash, old_secret_until = $3, secret_hash = $2, updated_at = $4, registration_hash = '',
			old_secret = secret, secret = $5 WHERE id = $1`, clientID, Hash(secret), stamp(oldUntil), stamp(now), sealed)
		return wrap(err, "rotate secret")
	}
	_, err = tx.run.exec(ctx, `UPDATE clients SET old_secret_hash = '', old_secret_until = NULL, secret_hash = $2, updated_at = $3, registration_hash = '',
		old_secret = NULL, secret = $4 WHERE id = $1`, clientID, Hash(secret), stamp(now), sealed)
	if err != nil {
		return wrap(err, "rotate secret")
	}
	return tx.RevokeMachineTokens(ctx, clientID, now)
}
