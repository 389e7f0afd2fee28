package storage

import "context"

// Reached lists the clients that hold something of a session: those that a
// sign-out has to tell. Asked after the session ended, it is nobody.
func (tx *Tx) Reached(ctx context.Context, userID, sessionID string) ([]*Client, error) {
	ids, err := list(tx.run, ctx, "products of a session", func(row scanner) (id string, err error) {
		err = row.Scan(&id)
		return id, err
	}, `SELECT DISTINCT client_id FROM grants WHERE user_id = $1 AND session_id = $2 AND code_used_at IS NOT NULL AND revoked_at IS NULL ORDER BY client_id`,
		userID, sessionID)
	if err != nil {
		return nil, err
	}
	var all []*Client
	for _, id := range ids {
		c, err := tx.Client(ctx, id)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}
