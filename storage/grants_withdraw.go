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
// in.
func (tx *Tx) Withdraw(ctx context.Context, userID, clientID string, now time.Time) error {
	told, err := list(tx.run, ctx, "sessions to tell of", func(row scanner) (sid string, err error) {
		err = row.Scan(&sid)
		return sid, err
	}, `SELECT DISTINCT g.session_id FROM grants g
		WHERE g.user_id = $1 AND g.client_id = $2 AND `+holding+` AND g.revoked_at IS NULL AND g.expires_at > $3`,
		userID, clientID, stamp(now))
	if err != nil {
		return err
	}
	for _, sid := range told {
		if err := tx.QueueLogout(ctx, LogoutNotice{ClientID: clientID, UserID: userID, SessionID: sid}, now); err != nil {
			return err
		}
	}
	_, err = tx.run.exec(ctx, `UPDATE grants SET revoked_at = $3 WHERE user_id = $1 AND revoked_at IS NULL
		AND (client_id = $2 OR parent IN (SELECT g.id FROM grants g WHERE g.user_id = $1 AND g.client_id = $2))`, userID, clientID, stamp(now))
	return wrap(err, "end grants")
}
