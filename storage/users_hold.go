package storage

import "context"

// HoldUser makes other transactions that hold this person wait until this one
// ends, so that what is decided from several of a person's rows, such as
// whether a factor is the last one, still holds when it is committed.
func (tx *Tx) HoldUser(ctx context.Context, userID string) error {
	n, err := tx.run.exec(ctx, `UPDATE users SET updated_at = updated_at WHERE id = $1`, userID)
	return atLeastOne(n, err, "hold person")
}
