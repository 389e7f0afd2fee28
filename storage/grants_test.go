package storage_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestStanding(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		g := grant("g", "s")
		g.Details, g.Offline = json.RawMessage(`{"nonce":"n"}`), true
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			u := person(ada)
			u.Phone = "+12025550123"
			return errors.Join(tx.UpdateUser(ctx, u, noon), tx.InsertSession(ctx, browser("s")), tx.InsertGrant(ctx, g))
		})
		u := person(ada)
		u.Phone, u.Roles, u.CreatedAt, u.UpdatedAt = "+12025550123", map[string][]string{}, noon, noon
		g.CodeHash = "" // not read back
		want := storage.Standing{Grant: g, User: u}
		mustEqual(t, must(db.Standing(t.Context(), "g", noon))(t), &want)

		want.SessionEnded = true
		mustEqual(t, must(db.Standing(t.Context(), "g", noon.Add(12*time.Hour)))(t), &want) // it has expired
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			_, err := tx.EndSessions(ctx, storage.Ending{UserID: ada}, noon)
			return err
		})
		mustEqual(t, must(db.Standing(t.Context(), "g", noon))(t), &want)

		if _, err := db.Standing(t.Context(), "another", noon); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("a grant that isn't there: %v", err)
		}
	})
}

func TestStandingWithoutSession(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertGrant(ctx, grant("g", "gone")) })
		st := must(db.Standing(t.Context(), "g", noon))(t)
		if !st.SessionEnded {
			t.Error("a session that is gone counts as running")
		}
		if string(st.Grant.Details) != "{}" {
			t.Errorf("no details are read as %q", st.Grant.Details)
		}
	})
}

func TestSpendCode(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			_, err := tx.RevokeGrant(ctx, "none", noon)
			if !errors.Is(err, storage.ErrNotFound) {
				return err
			}
			return errors.Join(tx.InsertGrant(ctx, grant("g", "s")), tx.InsertGrant(ctx, grant("revoked", "s")))
		})
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			_, err := tx.RevokeGrant(ctx, "revoked", noon)
			return err
		})
		spend := func(code, client string, now time.Time) func(context.Context, *storage.Tx) error {
			return func(ctx context.Context, tx *storage.Tx) error {
				id, err := tx.SpendCode(ctx, storage.Hash(code), client, now)
				if err == nil && id != code {
					t.Errorf("the code %s is of grant %q", code, id)
				}
				return err
			}
		}
		mustRefuse(t, db, storage.ErrSpent, spend("unknown", board, noon))
		mustRefuse(t, db, storage.ErrSpent, spend("revoked", board, noon))
		mustRefuse(t, db, storage.ErrSpent, spend("g", "another", noon))
		mustRefuse(t, db, storage.ErrSpent, spend("g", board, noon.Add(time.Minute)))
		mustWrite(t, db, spend("g", board, noon.Add(time.Minute-time.Millisecond)))
		mustRefuse(t, db, storage.ErrSpent, spend("g", board, noon))
	})
}

func TestRevokeReplayedCode(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertGrant(ctx, grant("g", "s")) })
		replay := func(now time.Time) func(context.Context, *storage.Tx) error {
			return func(ctx context.Context, tx *storage.Tx) error {
				g, err := tx.RevokeReplayedCode(ctx, storage.Hash("g"), now)
				if err == nil && (g.ID != "g" || g.UserID != ada || !g.RevokedAt.Equal(noon.Add(time.Second))) {
					t.Errorf("revoked %+v", g)
				}
				return err
			}
		}
		mustRefuse(t, db, storage.ErrNotFound, replay(noon)) // an unused code is nobody's replay
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			_, err := tx.SpendCode(ctx, storage.Hash("g"), board, noon)
			return err
		})
		mustWrite(t, db, replay(noon.Add(time.Second)))
		mustWrite(t, db, replay(noon.Add(time.Minute))) // the first time stays
		if st := must(db.Standing(t.Context(), "g", noon))(t); st.Grant.RevokedAt.IsZero() || !st.Grant.CodeUsedAt.Equal(noon) {
			t.Fatalf("the grant is %+v", st.Grant)
		}
	})
}

func TestGrantCodesAreUnique(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		g := grant("g", "s")
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertGrant(ctx, g) })
		g.ID = "h"
		mustRefuse(t, db, storage.ErrTaken, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertGrant(ctx, g) })
	})
}

func TestWithdraw(t *testing.T) {
	eachURL(t, func(t *testing.T, db *storage.DB, url string) {
		seedProducts(t, db)
		seedSessions(t, db, "bob")
		seedSessions(t, db, "carl")
		holders := func(client string, now time.Time) (ids []string) {
			t.Helper()
			for _, u := range must(db.Holders(t.Context(), client, now))(t) {
				ids = append(ids, u.ID)
			}
			return ids
		}
		mustEqual(t, holders(board, noon), []string{"bob", "carl"})
		mustEqual(t, holders(board, noon.Add(30*24*time.Hour)), nil)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.Withdraw(ctx, "bob", board, noon) })
		mustEqual(t, holders(board, noon), []string{"carl"})
		mustEqual(t, holders("mail", noon), []string{"bob", "carl"})

		raw := outside(t, url)
		want := []string{"bobs0-dashboard0", "bobs0-dashboard1", "bobs1-dashboard0", "bobs1-dashboard1", "bobs2-dashboard0", "bobs2-dashboard1"}
		mustEqual(t, column[string](t, raw, `SELECT id FROM grants WHERE revoked_at IS NOT NULL ORDER BY id`), want)
		mustEqual(t, mustDeliverLogouts(t, db, "bob", noon), []string{"s0 dashboard", "s1 dashboard", "s2 dashboard"})
		if n := count(t, raw, "sessions WHERE ended_at IS NOT NULL"); n != 0 {
			t.Errorf("%d sessions ended with it", n)
		}
	})
}
