package storage

import (
	"context"
	"slices"
	"strings"
	"time"
)

// AddConsent remembers the scope a person allowed a product, besides what was
// remembered before.
func (tx *Tx) AddConsent(ctx context.Context, userID, clientID, scope string, now time.Time) error {
	all, err := tx.Consents(ctx, userID)
	if err != nil {
		return err
	}
	words := strings.Fields(scope)
	for _, c := range all {
		if c.ClientID == clientID {
			words = append(strings.Fields(c.Scope), words...)
		}
	}
	var once []string
	for _, word := range words {
		if !slices.Contains(once, word) {
			once = append(once, word)
		}
	}
	return tx.PutConsent(ctx, userID, clientID, strings.Join(once, " "), now)
}

// PutConsent remembers the scope a person allowed a product, in place of what
// was remembered before.
func (tx *Tx) PutConsent(ctx context.Context, userID, clientID, scope string, now time.Time) error {
	_, err := tx.run.exec(ctx, `
		INSERT INTO consents (user_id, client_id, scope, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (user_id, client_id) DO UPDATE SET scope = excluded.scope, created_at = excluded.created_at`, userID, clientID, scope, stamp(now))
	return wrap(err, "remember consent")
}

// distinctFields splits at spaces, sorts, and drops repetitions.
func distinctFields(s string) []string {
	f := strings.Fields(s)
	slices.Sort(f)
	return slices.Compact(f)
}

// Consent is what a person allowed a product.
type Consent struct {
	ClientID, Scope string
	CreatedAt       time.Time
}

// Consents lists what a person allowed products, by product.
func (r Reader) Consents(ctx context.Context, userID string) ([]*Consent, error) {
	return list(r.run, ctx, "consents", func(row scanner) (*Consent, error) {
		var c Consent
		err := row.Scan(&c.ClientID, &c.Scope, into(&c.CreatedAt))
		return found(&c, err, "consent")
	}, `SELECT client_id, scope, created_at FROM consents WHERE user_id = $1 ORDER BY client_id`, userID)
}

// DeleteConsent forgets what a person allowed a product. ErrNotFound where
// that is nothing.
func (tx *Tx) DeleteConsent(ctx context.Context, userID, clientID string) error {
	n, err := tx.run.exec(ctx, `DELETE FROM consents WHERE user_id = $1 AND client_id = $2`, userID, clientID)
	return atLeastOne(n, err, "forget consent")
}
