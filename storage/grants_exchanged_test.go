package storage_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// seedExchanged makes a chain of grants, each with an access token that was
// exchanged for that of the one before: dashboard, agent, mask and end. The
// dashboard's grant has another token, exchanged for "aside".
func seedExchanged(t *testing.T, db *storage.DB) {
	t.Helper()
	seed(t, db)
	mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) (err error) {
		for _, g := range []struct{ client, name, parent, token string }{
			{board, "first", "", ""}, {"agent", "second", "first", "first"}, {"mask", "third", "second", "second"}, {"end", "fourth", "third", "third"},
			{"mask", "aside", "first", "another"},
		} {
			if g.client != board {
				err = errors.Join(err, tx.PutClient(ctx, storage.Client{ID: g.client}, noon))
			}
			kept := grant(g.name, "s")
			kept.ClientID, kept.Parent = g.client, g.parent
			err = errors.Join(err, tx.InsertGrant(ctx, kept))
			tokens := []string{g.name}
			if g.client == board {
				tokens = append(tokens, "another")
			}
			for _, name := range tokens {
				token := refresh(name, g.name, "")
				token.Kind = storage.AccessToken
				if g.token != "" {
					token.Parent = storage.Hash(g.token)
				}
				err = errors.Join(err, tx.InsertTokens(ctx, token))
			}
		}
		return err
	})
}

// What tokens were exchanged for ends with them, through any number of hands.
func TestEndExchanged(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(ctx context.Context, tx *storage.Tx) error
		left []string
	}{
		{"the first grant", func(ctx context.Context, tx *storage.Tx) error {
			_, err := tx.RevokeGrant(ctx, "first", noon)
			return err
		}, nil},
		{"one in between", func(ctx context.Context, tx *storage.Tx) error {
			_, err := tx.RevokeGrant(ctx, "second", noon)
			return err
		}, []string{"aside", "first"}},
		{"withdrawn in between", func(ctx context.Context, tx *storage.Tx) error { return tx.Withdraw(ctx, ada, "agent", noon) }, []string{"aside", "first"}},
		{"withdrawn from the first", func(ctx context.Context, tx *storage.Tx) error { return tx.Withdraw(ctx, ada, board, noon) }, nil},
		{"a product less", func(ctx context.Context, tx *storage.Tx) error { return tx.DeleteClient(ctx, "agent", noon) }, []string{"aside", "first"}},
		{"the first product less", func(ctx context.Context, tx *storage.Tx) error { return tx.DeleteClient(ctx, board, noon) }, nil},
		{"one token", func(ctx context.Context, tx *storage.Tx) error {
			return tx.RevokeToken(ctx, storage.Hash("first"), noon)
		}, []string{"aside", "first"}},
		{"another token", func(ctx context.Context, tx *storage.Tx) error {
			return tx.RevokeToken(ctx, storage.Hash("another"), noon)
		}, []string{"first", "fourth", "second", "third"}},
		{"one token in between", func(ctx context.Context, tx *storage.Tx) error {
			return tx.RevokeToken(ctx, storage.Hash("second"), noon)
		}, []string{"aside", "first", "second"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachURL(t, func(t *testing.T, db *storage.DB, url string) {
				seedExchanged(t, db)
				mustWrite(t, db, c.end)
				mustEqual(t, column[string](t, outside(t, url), `SELECT id FROM grants WHERE revoked_at IS NULL ORDER BY id`), c.left)
			})
		})
	}
}

// Whoever exchanges a token while its grant's forebear is revoked is either too
// late, or what they got is revoked with it.
func TestEndExchangedAtOnce(t *testing.T) {
	eachURL(t, func(t *testing.T, db *storage.DB, url string) {
		seedExchanged(t, db)
		raw := outside(t, url)
		held, revoking := make(chan struct{}), make(chan error, 1)
		go func() {
			<-held
			revoking <- db.Write(t.Context(), func(tx *storage.Tx) error { _, err := tx.RevokeGrant(t.Context(), "second", noon); return err })
		}()
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			if err := tx.HoldGrant(ctx, "fourth"); err != nil {
				return err
			}
			close(held)
			// SQLite lets one write after the other; PostgreSQL lets it begin, and wait.
			const waiting = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
			for strings.HasPrefix(url, "postgres") && len(revoking) == 0 && count(t, raw, waiting) == 0 {
				runtime.Gosched()
			}
			g := grant("fifth", "s")
			g.Parent = "fourth"
			return tx.InsertGrant(ctx, g)
		})
		if err := <-revoking; err != nil {
			t.Fatal(err)
		}
		mustEqual(t, column[string](t, raw, `SELECT id FROM grants WHERE revoked_at IS NULL ORDER BY id`), []string{"aside", "first"})
	})
}

// What is held isn't revoked meanwhile, and what was revoked can't be held.
func TestHoldToken(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seedExchanged(t, db)
		hold := func(ctx context.Context, tx *storage.Tx) error { return tx.HoldToken(ctx, storage.Hash("second")) }
		mustWrite(t, db, hold)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return tx.RevokeToken(ctx, storage.Hash("second"), noon)
		})
		mustRefuse(t, db, storage.ErrSpent, hold)
		mustRefuse(t, db, storage.ErrSpent, func(ctx context.Context, tx *storage.Tx) error { return tx.HoldToken(ctx, "unknown") })
	})
}
