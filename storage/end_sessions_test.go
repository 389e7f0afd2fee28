package storage_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// seedEnding gives Ada the sessions s1 and s2 and one that is gone (s0), each
// with a redeemed grant of the dashboard, an offline one of the mail product,
// one of a product that doesn't want to be told, and a code nobody redeemed.
func seedEnding(t *testing.T, db *storage.DB) {
	t.Helper()
	seed(t, db)
	mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
		err := errors.Join(
			tx.PutClient(ctx, storage.Client{ID: board, BackchannelLogoutURI: "https://board.example/logout"}, noon),
			tx.PutClient(ctx, storage.Client{ID: "mail", BackchannelLogoutURI: "https://mail.example/logout"}, noon),
			tx.PutClient(ctx, storage.Client{ID: "quiet"}, noon),
			tx.PutClient(ctx, storage.Client{ID: "late", BackchannelLogoutURI: "https://late.example/logout"}, noon),
			tx.InsertUser(ctx, person("grace"), noon),
		)
		for _, s := range []string{"s0", "s1", "s2"} {
			if s != "s0" {
				err = errors.Join(err, tx.InsertSession(ctx, browser(s)))
			}
			for _, client := range []string{board, "mail", "quiet", "late"} {
				g := grant(s+"-"+client, s)
				g.ClientID, g.Offline = client, client == "mail"
				err = errors.Join(err, tx.InsertGrant(ctx, g))
				if client != "late" {
					_, e := tx.SpendCode(ctx, storage.Hash(g.ID), client, noon)
					err = errors.Join(err, e)
				}
			}
		}
		// A second grant of the same product and session is told once.
		err = errors.Join(err, tx.InsertGrant(ctx, grant("s1-again", "s1")))
		_, e := tx.SpendCode(ctx, storage.Hash("s1-again"), board, noon)
		// Somebody else's session is left alone.
		hers := browser("hers")
		hers.UserID = "grace"
		g := grant("hers-dashboard", "hers")
		g.UserID = "grace"
		err = errors.Join(err, e, tx.InsertSession(ctx, hers), tx.InsertGrant(ctx, g))
		_, e = tx.SpendCode(ctx, storage.Hash(g.ID), board, noon)
		return errors.Join(err, e)
	})
}

// mustDeliverLogouts takes all queued logouts as "session product".
func mustDeliverLogouts(t *testing.T, db *storage.DB, now time.Time) []string {
	t.Helper()
	told := []string{}
	for {
		n, err := db.Deliver(t.Context(), storage.OutgoingLogout, time.Hour, func() time.Time { return now }, func(_ context.Context, m *storage.Outgoing) error {
			var n storage.LogoutNotice
			if err := json.Unmarshal(m.Body, &n); err != nil {
				return err
			}
			if n.UserID != ada {
				t.Errorf("a logout of %q", n.UserID)
			}
			told = append(told, n.SessionID+" "+m.Target)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			slices.Sort(told)
			return told
		}
	}
}

func TestEndSessions(t *testing.T) {
	all := []string{"s0 dashboard", "s0 mail", "s1 dashboard", "s1 mail", "s2 dashboard", "s2 mail"}
	for _, c := range []struct {
		name    string
		end     storage.Ending
		ended   []string
		told    []string
		revoked []string // grants
	}{
		{
			name: "one", end: storage.Ending{UserID: ada, Session: "s1"}, ended: []string{"s1"},
			told:    []string{"s1 dashboard", "s1 mail"},
			revoked: []string{"s1-again", "s1-dashboard", "s1-late", "s1-quiet"},
		}, {
			name: "one with what is offline", end: storage.Ending{UserID: ada, Session: "s1", Offline: true}, ended: []string{"s1"},
			told:    []string{"s1 dashboard", "s1 mail"},
			revoked: []string{"s1-again", "s1-dashboard", "s1-late", "s1-mail", "s1-quiet"},
		}, {
			name: "all", end: storage.Ending{UserID: ada}, ended: []string{"s1", "s2"}, told: all,
			revoked: []string{"s0-dashboard", "s0-late", "s0-quiet", "s1-again", "s1-dashboard", "s1-late", "s1-quiet", "s2-dashboard", "s2-late", "s2-quiet"},
		}, {
			name: "all with what is offline", end: storage.Ending{UserID: ada, Offline: true}, ended: []string{"s1", "s2"}, told: all,
			revoked: []string{"s0-dashboard", "s0-late", "s0-mail", "s0-quiet", "s1-again", "s1-dashboard", "s1-late", "s1-mail", "s1-quiet", "s2-dashboard", "s2-late", "s2-mail", "s2-quiet"},
		}, {
			name: "the others", end: storage.Ending{UserID: ada, Except: "s1"}, ended: []string{"s2"},
			told:    []string{"s0 dashboard", "s0 mail", "s2 dashboard", "s2 mail"},
			revoked: []string{"s0-dashboard", "s0-late", "s0-quiet", "s2-dashboard", "s2-late", "s2-quiet"},
		}, {
			name: "the others with what is offline", end: storage.Ending{UserID: ada, Except: "s1", Offline: true}, ended: []string{"s2"},
			told:    []string{"s0 dashboard", "s0 mail", "s2 dashboard", "s2 mail"},
			revoked: []string{"s0-dashboard", "s0-late", "s0-mail", "s0-quiet", "s2-dashboard", "s2-late", "s2-mail", "s2-quiet"},
		}, {
			name: "the one excepted", end: storage.Ending{UserID: ada, Session: "s1", Except: "s1"}, told: []string{},
		}, {
			name: "somebody else's", end: storage.Ending{UserID: "grace", Session: "s1"}, told: []string{},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachURL(t, func(t *testing.T, db *storage.DB, url string) {
				seedEnding(t, db)
				now := noon.Add(time.Minute)
				mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
					n, err := tx.EndSessions(ctx, c.end, now)
					if n != int64(len(c.ended)) {
						t.Errorf("ended %d sessions, want %v", n, c.ended)
					}
					return err
				})
				raw := outside(t, url)
				mustEqual(t, column[string](t, raw, `SELECT id FROM sessions WHERE ended_at IS NOT NULL ORDER BY id`), c.ended)
				mustEqual(t, column[string](t, raw, `SELECT id FROM grants WHERE revoked_at IS NOT NULL ORDER BY id`), c.revoked)
				mustEqual(t, mustDeliverLogouts(t, db, now), c.told)
			})
		})
	}
}

// A product that keeps its offline grant was told when the session ended, and
// isn't told again.
func TestEndSessionsTellsOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seedEnding(t, db)
		end := func(e storage.Ending) {
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
				_, err := tx.EndSessions(ctx, e, noon.Add(time.Minute))
				return err
			})
		}
		end(storage.Ending{UserID: ada, Session: "s1"})
		mustEqual(t, mustDeliverLogouts(t, db, noon.Add(time.Minute)), []string{"s1 dashboard", "s1 mail"})
		end(storage.Ending{UserID: ada, Except: "s2", Offline: true})
		mustEqual(t, mustDeliverLogouts(t, db, noon.Add(time.Minute)), []string{"s0 dashboard", "s0 mail"})
	})
}
