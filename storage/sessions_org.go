package storage

import (
	"context"
	"time"
)

// OrgSessions lists the running sessions of a company's people, with what a
// decision about the product clientID needs: all those of the first people
// (at most limit) whose address comes after the one given. Sessions of one
// person stand together.
func (r Reader) OrgSessions(ctx context.Context, orgID, clientID, after string, idle time.Duration, now time.Time, limit int) ([]*SignedIn, error) {
	return list(r.run, ctx, "sessions", func(row scanner) (*SignedIn, error) {
		var in SignedIn
		var methods string
		err := row.Scan(append(in.personTargets(&methods), in.Session.targets()...)...)
		return r.signedIn(&in, methods, err)
	}, `
		WITH page AS MATERIALIZED (
			SELECT p.id FROM users p WHERE p.org_id = $2 AND p.email_key > $3
				AND EXISTS (SELECT 1 FROM sessions o WHERE o.user_id = p.id AND o.ended_at IS NULL AND o.expires_at > $4 AND o.last_seen_at > $5)
			ORDER BY p.email_key LIMIT $6)
		SELECT `+personColumns+`, `+sessionColumns+` FROM page JOIN users u ON u.id = page.id JOIN sessions s ON s.user_id = u.id
		WHERE s.ended_at IS NULL AND s.expires_at > $4 AND s.last_seen_at > $5 ORDER BY u.email_key, s.id`,
		clientID, orgID, EmailKey(after), stamp(now), stamp(now.Add(-idle)), limit)
}
