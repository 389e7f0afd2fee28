package storage

import "context"

// HoldClient makes other transactions that hold this product wait until this
// one ends, so that what they write of it isn't undone.
func (tx *Tx) HoldClient(ctx context.Context, id string) error {
	n, err := tx.run.exec(ctx, `UPDATE clients SET updated_at = updated_at WHERE id = $1`, id)
	return atLeastOne(n, err, "hold product")
}
