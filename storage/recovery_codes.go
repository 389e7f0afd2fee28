package storage

import (
	"context"
	"time"
)

// RecoveryCode lets a person who has lost their second factors in once, with
// their password. One is alive per person.
type RecoveryCode struct {
	UserID string
	// Hash is Hash of the code; IssuedBy the owner who made it.
	Hash, IssuedBy       string
	CreatedAt, ExpiresAt time.Time
}

// PutRecoveryCode keeps a code in place of the one before.
func (tx *Tx) PutRecoveryCode(ctx context.Context, c RecoveryCode) error {
	_, err := tx.run.exec(ctx, `
		INSERT INTO recovery_codes (user_id, hash, issued_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, issued_by = excluded.issued_by, created_at = excluded.created_at,
			expires_at = excluded.expires_at, used_at = NULL`,
		c.UserID, c.Hash, c.IssuedBy, stamp(c.CreatedAt), stamp(c.ExpiresAt))
	return wrap(err, "keep recovery code")
}

// SpendRecoveryCode uses a person's code up. ErrSpent where it is another, was
// used, or has expired.
func (tx *Tx) SpendRecoveryCode(ctx context.Context, userID, hash string, now time.Time) error {
	n, err := tx.run.exec(ctx, `UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND hash = $2 AND used_at IS NULL AND expires_at > $3`, userID, hash, stamp(now))
	return spent(n, err, "spend recovery code")
}

// VoidRecoveryCode ends a person's code, if there is one.
func (tx *Tx) VoidRecoveryCode(ctx context.Context, userID string) error {
	_, err := tx.run.exec(ctx, `DELETE FROM recovery_codes WHERE user_id = $1`, userID)
	return wrap(err, "void recovery code")
}
