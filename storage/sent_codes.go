package storage

import (
	"context"
	"time"
)

// SentCode is a short code on its way to a person, by text message or e-mail.
// Of a sign-in and a kind only the newest works.
type SentCode struct {
	// BoundTo names the sign-in or session and what the code is for.
	BoundTo, Kind string
	// ID is what the message knows it by.
	ID, UserID string
	// Hash is KeyedHash of the code: it is too short for a plain one.
	Hash string
	// Gap is the quota that keeps the next code waiting; using this one frees
	// it.
	Gap string
	// Validity is how long it works once the carrier has accepted it.
	Validity time.Duration
	// AcceptedAt is when that was, FailedAt when the message was given up;
	// zero: not (yet).
	CreatedAt, AcceptedAt, FailedAt time.Time
	ExpiresAt                       time.Time
	UsedAt                          time.Time
}

// PutSentCode keeps a code in place of the one before.
func (tx *Tx) PutSentCode(ctx context.Context, c SentCode) error {
	_, err := tx.run.exec(ctx, `
		INSERT INTO sent_codes (bound_to, kind, id, user_id, hash, gap, validity, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (bound_to, kind) DO UPDATE SET id = excluded.id, user_id = excluded.user_id, hash = excluded.hash, gap = excluded.gap, validity = excluded.validity,
			created_at = excluded.created_at, expires_at = excluded.expires_at, accepted_at = NULL, failed_at = NULL, used_at = NULL`,
		c.BoundTo, c.Kind, c.ID, c.UserID, c.Hash, c.Gap, c.Validity.Milliseconds(), stamp(c.CreatedAt), stamp(c.ExpiresAt))
	return wrap(err, "keep code")
}

// SentCode returns the newest code of a sign-in and kind, in whatever state.
// ErrNotFound where none was sent.
func (r Reader) SentCode(ctx context.Context, boundTo, kind string) (*SentCode, error) {
	c := SentCode{BoundTo: boundTo, Kind: kind}
	var validity int64
	err := r.run.queryRow(ctx, `SELECT id, user_id, hash, gap, validity, created_at, accepted_at, failed_at, expires_at, used_at FROM sent_codes WHERE bound_to = $1 AND kind = $2`, boundTo, kind).
		Scan(&c.ID, &c.UserID, &c.Hash, &c.Gap, &validity, into(&c.CreatedAt), into(&c.AcceptedAt), into(&c.FailedAt), into(&c.ExpiresAt), into(&c.UsedAt))
	c.Validity = time.Duration(validity) * time.Millisecond
	return found(&c, err, "code")
}

// SpendSentCode uses up a code. ErrSpent where it is another, was used, or has
// expired.
func (tx *Tx) SpendSentCode(ctx context.Context, boundTo, kind, userID, hash string, now time.Time) error {
	n, err := tx.run.exec(ctx, `UPDATE sent_codes SET used_at = $5 WHERE bound_to = $1 AND kind = $2 AND user_id = $3 AND hash = $4 AND used_at IS NULL AND expires_at > $5`,
		boundTo, kind, userID, hash, stamp(now))
	if err := spent(n, err, "spend code"); err != nil {
		return err
	}
	_, err = tx.run.exec(ctx, `DELETE FROM quotas WHERE id = (SELECT gap FROM sent_codes WHERE bound_to = $1 AND kind = $2)`, boundTo, kind)
	return wrap(err, "let the next code be sent")
}

// codeDelivered notes what came of sending a code: from the moment the carrier
// accepted it, it works for its validity.
func (tx *Tx) codeDelivered(ctx context.Context, id string, accepted bool, now time.Time) error {
	if id == "" {
		return nil
	}
	query := `UPDATE sent_codes SET failed_at = $2 WHERE id = $1`
	if accepted {
		query = `UPDATE sent_codes SET accepted_at = $2, failed_at = NULL, expires_at = $2 + validity WHERE id = $1 AND used_at IS NULL`
	}
	_, err := tx.run.exec(ctx, query, id, stamp(now))
	return wrap(err, "note delivery of code")
}

// codeWanted says whether a code is still the newest of its sign-in and
// unused: another is not worth sending.
func (r Reader) codeWanted(ctx context.Context, id string) (yes bool, err error) {
	err = r.run.queryRow(ctx, `SELECT EXISTS (SELECT 1 FROM sent_codes WHERE id = $1 AND used_at IS NULL)`, id).Scan(&yes)
	return yes, wrap(err, "look for code")
}
