package govern

import (
	"context"

	"github.com/sallyport-id/sallyport/storage"
)

type withinKey struct{}

// Within makes one transaction of all that fn does by the context it gets:
// operations, and what it writes besides by tx. It is durable when Within
// returns, or taken back with the error of fn, which must pass on errors of
// operations.
func (g *Govern) Within(ctx context.Context, fn func(context.Context, *storage.Tx) error) error {
	return g.transaction(ctx, func(tx *storage.Tx) error {
		return fn(context.WithValue(ctx, withinKey{}, tx), tx)
	})
}

// transaction runs fn in the transaction of Within, or in one of its own.
func (g *Govern) transaction(ctx context.Context, fn func(*storage.Tx) error) error {
	if tx, ok := ctx.Value(withinKey{}).(*storage.Tx); ok {
		return fn(tx)
	}
	return g.DB.Write(ctx, fn)
}

// reader sees what the transaction of Within has written.
func (g *Govern) reader(ctx context.Context) storage.Reader {
	if tx, ok := ctx.Value(withinKey{}).(*storage.Tx); ok {
		return tx.Reader
	}
	return g.DB.Reader
}
