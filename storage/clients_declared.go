package storage

import "context"

// ClientsNow lists all products by id, past the cache.
func (r Reader) ClientsNow(ctx context.Context) ([]*Client, error) {
	return list(r.run, ctx, "products", func(row scanner) (*Client, error) { return scanClient(row) },
		`SELECT `+clientColumns+` FROM clients ORDER BY id`)
}
