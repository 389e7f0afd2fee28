package storage

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// BackupCodes counts a person's codes: unused, and made in all.
func (r Reader) BackupCodes(ctx context.Context, userID string) (left, made int, err error) {
	err = r.run.queryRow(ctx, `SELECT COUNT(*) - COUNT(used_at), COUNT(*) FROM backup_codes WHERE user_id = $1`, userID).Scan(&left, &made)
	return left, made, wrap(err, "count backup codes")
}

// ReplaceBackupCodes voids a person's codes and stores the hashes of new ones;
// none leaves the person without.
func (tx *Tx) ReplaceBackupCodes(ctx context.Context, userID string, hashes []string, now time.Time) error {
	// Holding the person's row keeps two calls at once from adding up: neither
	// sees the other's codes before they are committed.
	if n, err := tx.run.exec(ctx, `UPDATE users SET updated_at = $2 WHERE id = $1`, userID, stamp(now)); err != nil {
		return wrap(err, "hold the person")
	} else if n == 0 {
		return fmt.Errorf("person: %w", ErrNotFound)
	}
	if _, err := tx.run.exec(ctx, `DELETE FROM backup_codes WHERE user_id = $1`, userID); err != nil {
		return wrap(err, "void backup codes")
	}
	if len(hashes) == 0 {
		return nil
	}
	args := []any{userID, stamp(now)}
	rows := make([]string, len(hashes))
	for i, h := range hashes {
		args = append(args, h)
		rows[i] = fmt.Sprintf("($1, $%d, $2)", len(args))
	}
	_, err := tx.run.exec(ctx, `INSERT INTO backup_codes (user_id, hash, created_at) VALUES `+strings.Join(rows, ", "), args...)
	return wrap(err, "save backup codes")
}

// SpendBackupCode uses up one code. ErrSpent where the person has no such
// code, or has used it.
func (tx *Tx) SpendBackupCode(ctx context.Context, userID, hash string, now time.Time) error {
	n, err := tx.run.exec(ctx, `UPDATE backup_codes SET used_at = $3 WHERE user_id = $1 AND hash = $2 AND used_at IS NULL`, userID, hash, stamp(now))
	return spent(n, err, "spend backup code")
}
