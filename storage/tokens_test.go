package storage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// access is an access token by its name, for five minutes.
func access(name, grantID, parent string) storage.Token {
	return storage.Token{
		Hash: storage.Hash(name), Kind: storage.AccessToken, GrantID: grantID, Parent: parent, Scope: "openid",
		CreatedAt: noon, ExpiresAt: noon.Add(5 * time.Minute),
	}
}

func spendRefresh(name string, now time.Time) func(context.Context, *storage.Tx) error {
	return func(ctx context.Context, tx *storage.Tx) error {
		_, err := tx.SpendRefreshToken(ctx, storage.Hash(name), now)
		return err
	}
}

func TestAccessToken(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return errors.Join(tx.InsertSession(ctx, browser("s")), tx.InsertGrant(ctx, grant("g", "s")),
				tx.InsertTokens(ctx, access("a", "g", ""), refresh("r", "g", "")))
		})
		token, st, err := db.AccessTokenStanding(t.Context(), storage.AccessToken, storage.Hash("a"), noon)
		if err != nil {
			t.Fatal(err)
		}
		mustEqual(t, *token, storage.Token{Hash: storage.Hash("a"), Kind: storage.AccessToken, Scope: "openid", CreatedAt: noon, ExpiresAt: noon.Add(5 * time.Minute)})
		mustEqual(t, st, must(db.Standing(t.Context(), "g", noon))(t))

		gone := func(name string, now time.Time) {
			t.Helper()
			if _, _, err := db.AccessTokenStanding(t.Context(), storage.AccessToken, storage.Hash(name), now); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		gone("unknown", noon)
		gone("r", noon) // a refresh token
		gone("a", noon.Add(5*time.Minute))
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.RevokeToken(ctx, storage.Hash("a"), noon) })
		gone("a", noon)
		mustRefuse(t, db, storage.ErrNotFound, func(ctx context.Context, tx *storage.Tx) error { return tx.RevokeToken(ctx, "unknown", noon) })
	})
}

func TestToken(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return errors.Join(tx.InsertGrant(ctx, grant("g", "s")), tx.InsertTokens(ctx, refresh("r", "g", "")))
		})
		mustEqual(t, must(db.Token(t.Context(), storage.Hash("r")))(t), &storage.UsedToken{GrantID: "g", Kind: storage.RefreshToken})
		mustWrite(t, db, spendRefresh("r", noon))
		mustEqual(t, must(db.Token(t.Context(), storage.Hash("r")))(t), &storage.UsedToken{GrantID: "g", Kind: storage.RefreshToken, UsedAt: noon})
		if _, err := db.Token(t.Context(), "unknown"); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("a token that isn't there: %v", err)
		}
	})
}

func TestSpendRefreshToken(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return errors.Join(tx.InsertGrant(ctx, grant("g", "s")),
				tx.InsertTokens(ctx, refresh("r", "g", ""), refresh("revoked", "g", ""), access("a", "g", "")),
				tx.RevokeToken(ctx, storage.Hash("revoked"), noon))
		})
		mustRefuse(t, db, storage.ErrSpent, spendRefresh("unknown", noon))
		mustRefuse(t, db, storage.ErrSpent, spendRefresh("revoked", noon))
		mustRefuse(t, db, storage.ErrSpent, spendRefresh("a", noon))
		mustRefuse(t, db, storage.ErrSpent, spendRefresh("r", noon.Add(30*24*time.Hour)))
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			token, err := tx.SpendRefreshToken(ctx, storage.Hash("r"), noon)
			mustEqual(t, *token, storage.Token{Hash: storage.Hash("r"), Kind: storage.RefreshToken, GrantID: "g", Scope: "openid", ExpiresAt: noon.Add(30 * 24 * time.Hour)})
			return err
		})
		mustRefuse(t, db, storage.ErrSpent, spendRefresh("r", noon))
	})
}
