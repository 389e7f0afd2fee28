package storage

import (
	"context"
	"time"
)

// Holders lists the people who hold a living grant of a product.
func (r Reader) Holders(ctx context.Context, clientID string, now time.Time) ([]*User, error) {
	return list(r.run, ctx, "holders of grants", r.scanUser, `
		SELECT `+userColumns+` FROM users u WHERE u.id IN
			(SELECT g.user_id FROM grants g WHERE g.client_id = $1 AND g.revoked_at IS NULL AND g.expires_at > $2)
		ORDER BY u.email_key`, clientID, stamp(now))
}

// holding says of grants g that a product was given something for them: a
// code that it redeemed, or what a device was allowed. What was exchanged for a
// token is no sign-in of its own.
const holding = `(g.code_used_at IS NOT NULL OR g.code_hash IS NULL AND g.parent = '')`

// Withdraw ends a person's grants of one product, with what was exchanged for
// their tokens, and queues its back-channel logouts; the person stays signed
// in. Told are the sessions of living grants, and those that run in which the
// product was given anything.
func (tx *Tx) Withdraw(ctx context.Context, userID, clientID string, now time.Time) error {
	told, err := list(tx.run, ctx, "sessions to tell of", func(row scanner) (sid string, err error) {
		err = row.Scan(&sid)
		return sid, err
	}, `SELECT DISTINCT g.session_id FROM grants g LEFT JOIN sessions s ON s.id = g.session_id
		WHERE g.user_id = $1 AND g.client_id = $2 AND `+holding+`
			AND (g.revoked_at IS NULL AND g.expires_at > $3 OR s.id IS NOT NULL AND s.ended_at IS NULL)`,
		userID, clientID, stamp(now))
	if err != nil {
		return err
	}
	for _, sid := range told {
		if err := tx.QueueLogout(ctx, LogoutNotice{ClientID: clientID, UserID: userID, SessionID: sid}, now); err != nil {
			return err
		}
	}
	if _, err = tx.run.exec(ctx, `UPDATE grants SET revoked_at = $3 WHERE user_id = $1 AND client_id = $2 AND revoked_at IS NULL`, userID, clientID, stamp(now)); err != nil {
		return wrap(err, "end grants")
	}
	return tx.endExchanged(ctx, `SELECT id FROM grants WHERE parent <> '' AND parent IN (SELECT id FROM grants WHERE user_id = $2 AND client_id = $3)`, now, userID, clientID)
}
