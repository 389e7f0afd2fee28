package storage

import (
	"context"
	"time"
)

// Factor is an enrolled second factor of a person.
type Factor struct {
	ID, UserID string
	// Kind is a policy method: "totp".
	Kind string
	Name string
	// Secret is the seed of a TOTP factor, sealed at rest.
	Secret     []byte
	CreatedAt  time.Time
	LastUsedAt time.Time
}

const factorColumns = `id, user_id, kind, name, secret, created_at, last_used_at`

func (r Reader) scanFactor(row scanner) (*Factor, error) {
	var f Factor
	err := row.Scan(&f.ID, &f.UserID, &f.Kind, &f.Name, &f.Secret, into(&f.CreatedAt), into(&f.LastUsedAt))
	if err == nil {
		f.Secret, err = r.db.sealer.open(f.Secret, "factors:"+f.ID+":"+f.UserID)
	}
	return found(&f, err, "factor")
}

// Factors lists a person's factors, oldest first.
func (r Reader) Factors(ctx context.Context, userID string) ([]*Factor, error) {
	return list(r.run, ctx, "factors", r.scanFactor,
		`SELECT `+factorColumns+` FROM factors WHERE user_id = $1 ORDER BY created_at, id`, userID)
}

// InsertFactor activates a factor whose first code was verified; step is the
// TOTP step that proved it, spent by this.
func (tx *Tx) InsertFactor(ctx context.Context, f Factor, step int64, now time.Time) error {
	_, err := tx.run.exec(ctx, `
		INSERT INTO factors (id, user_id, kind, name, secret, last_step, created_at, last_used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		f.ID, f.UserID, f.Kind, f.Name, tx.db.sealer.seal(f.Secret, "factors:"+f.ID+":"+f.UserID), step, stamp(now), stamp(now))
	return wrap(err, "add factor")
}

// SpendStep uses up a TOTP step and all before it. ErrSpent where that was
// done already (RFC 6238 section 5.2).
func (tx *Tx) SpendStep(ctx context.Context, factorID string, step int64, now time.Time) error {
	n, err := tx.run.exec(ctx, `UPDATE factors SET last_step = $2, last_used_at = $3 WHERE id = $1 AND last_step < $2`, factorID, step, stamp(now))
	return spent(n, err, "spend code")
}

// DeleteFactors removes a person's factors of a kind, or all where kind is
// empty, and says how many there were.
func (tx *Tx) DeleteFactors(ctx context.Context, userID, kind string) (int64, error) {
	n, err := tx.run.exec(ctx, `DELETE FROM factors WHERE user_id = $1 AND ($2 = '' OR kind = $3)`, userID, kind, kind)
	return n, wrap(err, "remove factors")
}

// Enrolment is a factor being set up. BoundTo names the sign-in or session
// that began it; no other can finish it.
type Enrolment struct {
	BoundTo, Kind, UserID string
	Secret                []byte
	ExpiresAt             time.Time
}

// Enrolment returns what is being set up. ErrNotFound where nothing is, or no
// longer.
func (r Reader) Enrolment(ctx context.Context, boundTo, kind string, now time.Time) (*Enrolment, error) {
	e := Enrolment{BoundTo: boundTo, Kind: kind}
	err := r.run.queryRow(ctx, `SELECT user_id, secret, expires_at FROM enrolments WHERE bound_to = $1 AND kind = $2 AND expires_at > $3`,
		boundTo, kind, stamp(now)).Scan(&e.UserID, &e.Secret, into(&e.ExpiresAt))
	if err == nil {
		e.Secret, err = r.db.sealer.open(e.Secret, "enrolments:"+boundTo+":"+kind)
	}
	return found(&e, err, "enrolment")
}

// PutEnrolment starts setting up a factor, anew if there was one.
func (tx *Tx) PutEnrolment(ctx context.Context, e Enrolment) error {
	_, err := tx.run.exec(ctx, `
		INSERT INTO enrolments (bound_to, kind, user_id, secret, expires_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (bound_to, kind) DO UPDATE SET user_id = excluded.user_id, secret = excluded.secret, expires_at = excluded.expires_at`,
		e.BoundTo, e.Kind, e.UserID, tx.db.sealer.seal(e.Secret, "enrolments:"+e.BoundTo+":"+e.Kind), stamp(e.ExpiresAt))
	return wrap(err, "start enrolment")
}

// SpendEnrolment ends setting up a factor, once: ErrSpent where it was done or
// has expired.
func (tx *Tx) SpendEnrolment(ctx context.Context, boundTo, kind, userID string, now time.Time) error {
	n, err := tx.run.exec(ctx, `DELETE FROM enrolments WHERE bound_to = $1 AND kind = $2 AND user_id = $3 AND expires_at > $4`, boundTo, kind, userID, stamp(now))
	return spent(n, err, "finish enrolment")
}
