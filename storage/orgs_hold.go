package storage

import "context"

// HoldOrg makes other transactions that hold this company wait until this one
// ends, so that what is decided about it and its people together, such as who
// stays its owner, still holds when it is committed.
func (tx *Tx) HoldOrg(ctx context.Context, id string) error {
	n, err := tx.run.exec(ctx, `UPDATE orgs SET updated_at = updated_at WHERE id = $1`, id)
	return atLeastOne(n, err, "hold company")
}
