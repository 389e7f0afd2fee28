package storage

import "context"

// Reached lists the clients that were given something in a session that runs:
// those that a sign-out has to tell, also where what they hold was revoked.
// Asked after the session ended, it is nobody.
func (tx *Tx) Reached(ctx context.Context, userID, sessionID string) ([]*Client, error) {
	ids, err := list(tx.run, ctx, "products of a session", func(row scanner) (id string, err error) {
		err = row.Scan(&id)
		return id, err
	}, `SELECT DISTINCT g.client_id FROM grants g JOIN sessions s ON s.id = g.session_id
		WHERE g.user_id = $1 AND g.session_id = $2 AND g.code_used_at IS NOT NULL AND s.ended_at IS NULL ORDER BY g.client_id`,
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
