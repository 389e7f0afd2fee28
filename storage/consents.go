package storage

import (
	"context"
	"slices"
	"strings"
	"time"
)

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
