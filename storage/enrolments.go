package storage

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Enrolment is a factor being set up. BoundTo names the sign-in or session
// that began it; no other can finish it.
type Enrolment struct {
	BoundTo, Kind, UserID string
	// Secret is what will be the factor's: a seed, a number; sealed at rest.
	Secret    []byte
	ExpiresAt time.Time
	// WordHash is Hash of the word that a text message must bring to fill in
	// the secret; empty where none is waited for.
	WordHash string
}

func enrolmentRow(boundTo, kind string) string { return "enrolments:" + boundTo + ":" + kind }

// Enrolment returns what is being set up. ErrNotFound where nothing is, or no
// longer.
func (r Reader) Enrolment(ctx context.Context, boundTo, kind string, now time.Time) (*Enrolment, error) {
	e := Enrolment{BoundTo: boundTo, Kind: kind}
	err := r.run.queryRow(ctx, `SELECT user_id, secret, COALESCE(word_hash, ''), expires_at FROM enrolments WHERE bound_to = $1 AND kind = $2 AND expires_at > $3`,
		boundTo, kind, stamp(now)).Scan(&e.UserID, &e.Secret, &e.WordHash, into(&e.ExpiresAt))
	if err == nil {
		e.Secret, err = r.db.sealer.open(e.Secret, enrolmentRow(boundTo, kind))
	}
	return found(&e, err, "enrolment")
}

// PutEnrolment starts setting up a factor, anew if there was one.
func (tx *Tx) PutEnrolment(ctx context.Context, e Enrolment) error {
	_, err := tx.run.exec(ctx, `
		INSERT INTO enrolments (bound_to, kind, user_id, secret, word_hash, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (bound_to, kind) DO UPDATE SET user_id = excluded.user_id, secret = excluded.secret, word_hash = excluded.word_hash, expires_at = excluded.expires_at`,
		e.BoundTo, e.Kind, e.UserID, tx.db.sealer.seal(e.Secret, enrolmentRow(e.BoundTo, e.Kind)), nullable(e.WordHash), stamp(e.ExpiresAt))
	return wrap(err, "start enrolment")
}

// FillEnrolment gives the set-up that waits for a word its secret, and spends
// the word. ErrSpent where no set-up waits for it (any more).
func (tx *Tx) FillEnrolment(ctx context.Context, wordHash string, secret []byte, now time.Time) (*Enrolment, error) {
	e := Enrolment{Secret: secret}
	err := tx.run.queryRow(ctx, `SELECT bound_to, kind, user_id, expires_at FROM enrolments WHERE word_hash = $1 AND expires_at > $2`, wordHash, stamp(now)).
		Scan(&e.BoundTo, &e.Kind, &e.UserID, into(&e.ExpiresAt))
	if _, err := found(&e, err, "enrolment"); errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("use word: %w", ErrSpent)
	} else if err != nil {
		return nil, err
	}
	n, err := tx.run.exec(ctx, `UPDATE enrolments SET word_hash = NULL, secret = $3 WHERE word_hash = $1 AND expires_at > $2`,
		wordHash, stamp(now), tx.db.sealer.seal(secret, enrolmentRow(e.BoundTo, e.Kind)))
	return &e, spent(n, err, "use word")
}

// SpendEnrolment ends setting up a factor, once: ErrSpent where it was done or
// has expired.
func (tx *Tx) SpendEnrolment(ctx context.Context, boundTo, kind, userID string, now time.Time) error {
	n, err := tx.run.exec(ctx, `DELETE FROM enrolments WHERE bound_to = $1 AND kind = $2 AND user_id = $3 AND expires_at > $4`, boundTo, kind, userID, stamp(now))
	return spent(n, err, "finish enrolment")
}
