package storage

import (
	"context"
	"fmt"
)

// OrgsNow lists all companies by id, past the cache.
func (r Reader) OrgsNow(ctx context.Context) ([]*Org, error) {
	return list(r.run, ctx, "companies", func(row scanner) (*Org, error) { return scanOrg(row) },
		`SELECT `+orgColumns+` FROM orgs ORDER BY id`)
}

// DeleteOrg removes a company that has no people.
func (tx *Tx) DeleteOrg(ctx context.Context, id string) error {
	tx.changedCached = true
	n, err := tx.run.exec(ctx, `DELETE FROM orgs WHERE id = $1`, id)
	if err == nil && n == 0 {
		return fmt.Errorf("company %q: %w", id, ErrNotFound)
	}
	return wrap(err, "delete company")
}
