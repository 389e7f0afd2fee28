package storage

import (
	"context"
	"fmt"
)

// Owners lists the owners of a company, disabled ones too.
func (r Reader) Owners(ctx context.Context, org string) ([]*User, error) {
	return list(r.run, ctx, "owners", r.scanUser, `SELECT `+userColumns+` FROM users u WHERE u.org_id = $1 AND u.role = 'owner' ORDER BY u.email_key`, org)
}

// WithRolesIn lists the people who have roles in a product, of all companies.
func (r Reader) WithRolesIn(ctx context.Context, clientID string) ([]*User, error) {
	// The column is JSON, and a client's id has no sign that JSON or LIKE writes
	// otherwise.
	return list(r.run, ctx, "people with roles", r.scanUser,
		`SELECT `+userColumns+` FROM users u WHERE u.roles <> '{}' AND u.roles LIKE $1 ORDER BY u.id`, `%"`+clientID+`":%`)
}

// DeleteUser removes a person with everything that is theirs but the audit.
func (tx *Tx) DeleteUser(ctx context.Context, id string) error {
	n, err := tx.run.exec(ctx, `DELETE FROM users WHERE id = $1`, id)
	if err == nil && n == 0 {
		return fmt.Errorf("person: %w", ErrNotFound)
	}
	return wrap(err, "delete person")
}
