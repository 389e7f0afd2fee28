package storage

import (
	"context"
	"time"
)

// LastUse is when products last got a token, by id; one that never did isn't
// in it. Of each the events are gone through from the newest on, until one is a
// token: few, as a rule.
func (r Reader) LastUse(ctx context.Context, ids ...string) (map[string]time.Time, error) {
	used := make(map[string]time.Time)
	if len(ids) == 0 {
		return used, nil
	}
	_, err := list(r.run, ctx, "last uses", func(row scanner) (struct{}, error) {
		var id string
		var at time.Time
		err := row.Scan(&id, into(&at))
		if !at.IsZero() {
			used[id] = at
		}
		return struct{}{}, err
	}, `
		SELECT c.id, (
			SELECT a.at FROM audit a
			WHERE a.client_id = c.id AND a.event IN ('token.issued', 'token.refreshed', 'token.machine_issued')
			ORDER BY a.at DESC LIMIT 1)
		FROM clients c WHERE c.id IN `+placeholders(0, len(ids)), anys(ids)...)
	return used, err
}
