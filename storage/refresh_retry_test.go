package storage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func retryRefresh(name string, now time.Time) func(context.Context, *storage.Tx) error {
	return func(ctx context.Context, tx *storage.Tx) error {
		token, err := tx.RetryRefreshToken(ctx, storage.Hash(name), now)
		if err == nil && (token.GrantID != "g" || token.Scope != "openid" || !token.ExpiresAt.Equal(noon.Add(30*24*time.Hour))) {
			return errors.New("the token accepted once more is another")
		}
		return err
	}
}

// seedRotated is a grant whose refresh token first was used at noon for the
// tokens access and second; their names end in each of the suffixes.
func seedRotated(t *testing.T, db *storage.DB, suffixes ...string) {
	t.Helper()
	seed(t, db)
	mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
		return errors.Join(tx.InsertSession(ctx, browser("s")), tx.InsertGrant(ctx, grant("g", "s")))
	})
	for _, x := range suffixes {
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			parent := storage.Hash("first" + x)
			return errors.Join(tx.InsertTokens(ctx, refresh("first"+x, "g", "")), spendRefresh("first"+x, noon)(ctx, tx),
				tx.InsertTokens(ctx, access("access"+x, "g", parent), refresh("second"+x, "g", parent)))
		})
	}
}

func TestRetryRefreshToken(t *testing.T) {
	cases := []struct {
		name string
		at   time.Duration // after the first use
		used bool          // the successor was
		want error
	}{
		{"at the same moment", 0, false, storage.ErrSpent},
		{"within the first second", storage.RetryAfter - time.Millisecond, false, storage.ErrSpent},
		{"after a second", storage.RetryAfter, false, nil},
		{"after a second, the successor used", storage.RetryAfter, true, storage.ErrSpent},
		{"within ten seconds", storage.RetryWithin - time.Millisecond, false, nil},
		{"within ten seconds, the successor used", storage.RetryWithin - time.Millisecond, true, storage.ErrSpent},
		{"after ten seconds", storage.RetryWithin, false, storage.ErrSpent},
		{"after an hour", time.Hour, false, storage.ErrSpent},
	}
	names := make([]string, len(cases))
	for i, c := range cases {
		names[i] = c.name
	}
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seedRotated(t, db, names...)
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				first, second := "first"+c.name, "second"+c.name
				if c.used {
					mustWrite(t, db, spendRefresh(second, noon.Add(time.Millisecond)))
				}
				mustRefuse(t, db, c.want, retryRefresh(first, noon.Add(c.at)))

				_, _, err := db.AccessTokenStanding(t.Context(), storage.AccessToken, storage.Hash("access"+c.name), noon.Add(time.Second))
				if c.want == nil {
					// The answer that was lost is void, and there is no third time.
					if !errors.Is(err, storage.ErrNotFound) {
						t.Errorf("the lost access token: %v", err)
					}
					mustRefuse(t, db, storage.ErrSpent, spendRefresh(second, noon.Add(c.at)))
					mustRefuse(t, db, storage.ErrSpent, retryRefresh(first, noon.Add(c.at)))
					return
				}
				if err != nil {
					t.Errorf("a refused retry took the access token: %v", err)
				}
				if !c.used {
					mustWrite(t, db, spendRefresh(second, noon.Add(c.at)))
				}
			})
		}
	})
}

// The tokens of the answer to a retry are the successors now: once they are
// used the predecessor is no good, and they rotate like any others.
func TestRetryIsFollowedBySuccessors(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seedRotated(t, db, "")
		now := noon.Add(2 * time.Second)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return errors.Join(retryRefresh("first", now)(ctx, tx), tx.InsertTokens(ctx, refresh("third", "g", storage.Hash("first"))))
		})
		mustRefuse(t, db, storage.ErrSpent, retryRefresh("first", now))
		mustWrite(t, db, spendRefresh("third", now))
	})
}

func TestRetryNeedsAUsedRefreshToken(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seedRotated(t, db, "", " of another")
		now := noon.Add(2 * time.Second)
		mustRefuse(t, db, storage.ErrSpent, retryRefresh("unknown", now))
		mustRefuse(t, db, storage.ErrSpent, retryRefresh("second", now)) // never used
		mustRefuse(t, db, storage.ErrSpent, retryRefresh("access", now))
		// A successor that was used counts even when it has been revoked since.
		mustWrite(t, db, spendRefresh("second", noon))
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return tx.RevokeToken(ctx, storage.Hash("second"), noon)
		})
		mustRefuse(t, db, storage.ErrSpent, retryRefresh("first", now))
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return tx.RevokeToken(ctx, storage.Hash("first of another"), noon)
		})
		mustRefuse(t, db, storage.ErrSpent, retryRefresh("first of another", now))
	})
}

// A thief who uses the successor at the very moment the owner retries: one of
// the two gets tokens, never both, or the family would live on twice unnoticed.
func TestRetryRacesSuccessor(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seedRotated(t, db)
		now := noon.Add(2 * time.Second)
		for round := range 100 {
			first, second := "first"+string(rune('A'+round)), "second"+string(rune('A'+round))
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
				return errors.Join(tx.InsertTokens(ctx, refresh(first, "g", ""), refresh(second, "g", storage.Hash(first))), spendRefresh(first, noon)(ctx, tx))
			})
			errs := atOnce(2, func(i int) error {
				return write(t, db, []func(context.Context, *storage.Tx) error{retryRefresh(first, now), spendRefresh(second, now)}[i])
			})
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Fatalf("round %d: the retry got %v, the successor got %v", round, errs[0], errs[1])
			}
		}
	})
}
