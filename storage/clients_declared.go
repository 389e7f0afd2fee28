package storage

import "context"

// ClientsNow lists all products by id, past the cache.
func (r Reader) ClientsNow(ctx context.Context) ([]*Client, error) {
	return list(r.run, ctx, "products", r.scanClient,
		`SELECT `+clientColumns+` FROM clients ORDER BY id`)
}
