package storage

import "context"

// SetRegistration gives a client that registered itself the token, by its hash,
// by which it changes its registration (RFC 7592 section 3). ErrNotFound where
// there is no such client.
func (tx *Tx) SetRegistration(ctx context.Context, clientID, hash string) error {
	tx.changedCached = true
	n, err := tx.run.exec(ctx, `UPDATE clients SET registration_hash = $2 WHERE id = $1`, clientID, hash)
	return atLeastOne(n, err, "keep registration access token")
}
