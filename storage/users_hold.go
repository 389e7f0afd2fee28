package storage

import "context"

// HoldUser makes other transactions that hold this person wait until this one
// ends, so that what is decided from several of a person's rows, such as
// whether a factor is the last one, still holds when it is committed.
func (tx *Tx) HoldUser(ctx context.Context, userID string) error {
	n, err := tx.run.exec(ctx, `UPDATE users SET updated_at = updated_at WHERE id = $1`, userID)
	return atLeastOne(n, err, "hold person")
}

// HoldPassword is HoldUser where the person still has this password hash:
// ErrSpent where it was changed meanwhile.
func (tx *Tx) HoldPassword(ctx context.Context, userID, hash string) error {
	n, err := tx.run.exec(ctx, `UPDATE users SET updated_at = updated_at WHERE id = $1 AND password_hash = $2`, userID, hash)
	return spent(n, err, "hold password")
}
