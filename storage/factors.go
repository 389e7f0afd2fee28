package storage

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Factor is an enrolled second factor of a person.
type Factor struct {
	ID, UserID string
	// Kind is a policy method: "totp", "sms", "email", "webauthn".
	Kind string
	Name string
	// Secret is what the kind needs to check a proof: a seed, a number, a
	// credential record; sealed at rest.
	Secret []byte
	// Handle is Hash of a key's credential id, for kinds that have one: no two
	// people can have the same.
	Handle string
	// Hardware: attested, and can't be backed up. Synced: it can.
	Hardware, Synced bool
	// Counter only moves up: the TOTP step or key signature used last.
	Counter    int64
	CreatedAt  time.Time
	LastUsedAt time.Time
}

const factorColumns = `id, user_id, kind, name, secret, COALESCE(handle, ''), hardware, synced, counter, created_at, last_used_at`

func (r Reader) scanFactor(row scanner) (*Factor, error) {
	var f Factor
	err := row.Scan(&f.ID, &f.UserID, &f.Kind, &f.Name, &f.Secret, &f.Handle, &f.Hardware, &f.Synced, &f.Counter, into(&f.CreatedAt), into(&f.LastUsedAt))
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

// InsertFactor activates a factor that was proved; counter is what proved it,
// spent by this. ErrTaken where the handle is registered already.
func (tx *Tx) InsertFactor(ctx context.Context, f Factor, counter int64, now time.Time) error {
	if err := tx.HoldUser(ctx, f.UserID); err != nil {
		return err
	}
	_, err := tx.run.exec(ctx, `
		INSERT INTO factors (id, user_id, kind, name, secret, handle, hardware, synced, counter, created_at, last_used_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		f.ID, f.UserID, f.Kind, f.Name, tx.sealFactor(f.ID, f.UserID, f.Secret), nullable(f.Handle), f.Hardware, f.Synced, counter, stamp(now), stamp(now))
	if err != nil {
		return wrap(err, "add factor")
	}
	return tx.noteSecondFactors(ctx, f.UserID)
}

// noteSecondFactors writes down which kinds of factors a person has. Whoever
// changes them calls HoldUser first: two who add a factor each must not both
// miss the other's.
func (tx *Tx) noteSecondFactors(ctx context.Context, userID string) error {
	_, err := tx.run.exec(ctx, `
		UPDATE users SET second_factors = COALESCE((
			SELECT string_agg(k.kind, ' ' ORDER BY k.kind) FROM (SELECT DISTINCT kind FROM factors WHERE user_id = $2) k), '')
		WHERE id = $1`, userID, userID)
	return wrap(err, "note second factors")
}

func (tx *Tx) sealFactor(id, userID string, secret []byte) []byte {
	return tx.db.sealer.seal(secret, "factors:"+id+":"+userID)
}

// SpendStep uses up a TOTP step and all before it. ErrSpent where that was
// done already (RFC 6238 section 5.2).
func (tx *Tx) SpendStep(ctx context.Context, factorID string, step int64, now time.Time) error {
	n, err := tx.run.exec(ctx, `UPDATE factors SET counter = $2, last_used_at = $3 WHERE id = $1 AND counter < $2`, factorID, step, stamp(now))
	return spent(n, err, "spend code")
}

// UseKey notes the use of a key with its new signature counter and record.
// ErrSpent where the counter did not move up: there may be a copy of the key
// (Web Authentication section 7.2 step 22). Keys without a counter stay at 0.
func (tx *Tx) UseKey(ctx context.Context, f *Factor, counter int64, secret []byte, now time.Time) error {
	n, err := tx.run.exec(ctx, `UPDATE factors SET counter = $2, secret = $3, last_used_at = $4 WHERE id = $1 AND (counter < $2 OR counter = 0 AND $2 = 0)`,
		f.ID, counter, tx.sealFactor(f.ID, f.UserID, secret), stamp(now))
	return spent(n, err, "use key")
}

// UseFactor notes the use of a factor that has no counter.
func (tx *Tx) UseFactor(ctx context.Context, userID, kind string, now time.Time) error {
	_, err := tx.run.exec(ctx, `UPDATE factors SET last_used_at = $3 WHERE user_id = $1 AND kind = $2`, userID, kind, stamp(now))
	return wrap(err, "note use")
}

// RenameFactor names one of a person's factors. ErrNotFound where they have no
// such factor.
func (tx *Tx) RenameFactor(ctx context.Context, userID, factorID, name string) error {
	n, err := tx.run.exec(ctx, `UPDATE factors SET name = $3 WHERE id = $1 AND user_id = $2`, factorID, userID, name)
	return atLeastOne(n, err, "rename factor")
}

// DeleteFactor removes one of a person's factors. ErrNotFound where they have
// no such factor.
func (tx *Tx) DeleteFactor(ctx context.Context, userID, factorID string) error {
	if err := tx.HoldUser(ctx, userID); err != nil {
		return err
	}
	n, err := tx.run.exec(ctx, `DELETE FROM factors WHERE id = $1 AND user_id = $2`, factorID, userID)
	if err := atLeastOne(n, err, "remove factor"); err != nil {
		return err
	}
	return tx.noteSecondFactors(ctx, userID)
}

// DeleteFactors removes a person's factors of a kind, or all where kind is
// empty, and says how many there were.
func (tx *Tx) DeleteFactors(ctx context.Context, userID, kind string) (int64, error) {
	if err := tx.HoldUser(ctx, userID); err != nil && !errors.Is(err, ErrNotFound) {
		return 0, err
	}
	n, err := tx.run.exec(ctx, `DELETE FROM factors WHERE user_id = $1 AND ($2 = '' OR kind = $3)`, userID, kind, kind)
	if err != nil || n == 0 {
		return 0, wrap(err, "remove factors")
	}
	return n, tx.noteSecondFactors(ctx, userID)
}

func atLeastOne(rows int64, err error, doing string) error {
	if err == nil && rows == 0 {
		return fmt.Errorf("%s: %w", doing, ErrNotFound)
	}
	return wrap(err, doing)
}
