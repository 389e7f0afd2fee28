package storage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// seedProducts registers products that want to be told of a logout, and one
// that doesn't.
func seedProducts(t *testing.T, db *storage.DB) {
	t.Helper()
	seed(t, db)
	mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
		return errors.Join(
			tx.PutClient(ctx, storage.Client{ID: board, BackchannelLogoutURI: "https://board.example/logout"}, noon),
			tx.PutClient(ctx, storage.Client{ID: "mail", BackchannelLogoutURI: "https://mail.example/logout"}, noon),
			tx.PutClient(ctx, storage.Client{ID: "quiet"}, noon),
			tx.PutClient(ctx, storage.Client{ID: "late", BackchannelLogoutURI: "https://late.example/logout"}, noon),
		)
	})
}

// seedSessions makes a person with the sessions s1 and s2 and one that is gone
// (s0), each with two redeemed grants of the dashboard, an offline one of the
// mail product, one of a product that doesn't want to be told, and a code
// nobody redeemed. All names begin with the person's.
func seedSessions(t *testing.T, db *storage.DB, user string) {
	t.Helper()
	mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
		err := tx.InsertUser(ctx, person(user), noon)
		for _, name := range []string{"s0", "s1", "s2"} {
			s := browser(user + name)
			s.UserID = user
			if name != "s0" {
				err = errors.Join(err, tx.InsertSession(ctx, s))
			}
			for i, client := range []string{board, board, "mail", "quiet", "late"} {
				g := grant(fmt.Sprint(s.ID, "-", client, i), s.ID)
				g.UserID, g.ClientID, g.Offline = user, client, client == "mail"
				err = errors.Join(err, tx.InsertGrant(ctx, g))
				if client != "late" {
					_, e := tx.SpendCode(ctx, storage.Hash(g.ID), client, noon)
					err = errors.Join(err, e)
				}
			}
		}
		return err
	})
}

// mustDeliverLogouts takes all queued logouts, which are the user's, as
// "session product".
func mustDeliverLogouts(t *testing.T, db *storage.DB, user string, now time.Time) []string {
	t.Helper()
	var told []string
	for {
		n, err := db.Deliver(t.Context(), storage.OutgoingLogout, time.Hour, func() time.Time { return now }, func(_ context.Context, m *storage.Outgoing) error {
			var n storage.LogoutNotice
			if err := json.Unmarshal(m.Body, &n); err != nil {
				return err
			}
			if n.UserID != user {
				t.Errorf("a logout of %q", n.UserID)
			}
			told = append(told, strings.TrimPrefix(n.SessionID, user)+" "+m.Target)
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

func endSessions(e storage.Ending, ended int64) func(context.Context, *storage.Tx) error {
	return func(ctx context.Context, tx *storage.Tx) error {
		n, err := tx.EndSessions(ctx, e, noon.Add(time.Minute))
		if err == nil && n != ended {
			return fmt.Errorf("ended %d sessions, want %d", n, ended)
		}
		return err
	}
}

func TestEndSessions(t *testing.T) {
	// What a session of each kind stands for in the tables below.
	told := func(sessions ...string) (all []string) {
		for _, s := range sessions {
			all = append(all, s+" dashboard", s+" mail")
		}
		return all
	}
	online := func(sessions ...string) (all []string) {
		for _, s := range sessions {
			all = append(all, s+"-dashboard0", s+"-dashboard1", s+"-late4", s+"-quiet3")
		}
		return all
	}
	everything := func(sessions ...string) (all []string) {
		for _, s := range sessions {
			all = append(all, s+"-dashboard0", s+"-dashboard1", s+"-late4", s+"-mail2", s+"-quiet3")
		}
		return all
	}
	cases := []struct {
		name            string
		session, except string
		offline         bool
		ended           []string
		told            []string
		revoked         []string // grants
	}{
		{name: "one", session: "s1", ended: []string{"s1"}, told: told("s1"), revoked: online("s1")},
		{name: "one and what is offline", session: "s1", offline: true, ended: []string{"s1"}, told: told("s1"), revoked: everything("s1")},
		{name: "all", ended: []string{"s1", "s2"}, told: told("s0", "s1", "s2"), revoked: online("s0", "s1", "s2")},
		{name: "all and what is offline", offline: true, ended: []string{"s1", "s2"}, told: told("s0", "s1", "s2"), revoked: everything("s0", "s1", "s2")},
		{name: "the others", except: "s1", ended: []string{"s2"}, told: told("s0", "s2"), revoked: online("s0", "s2")},
		{name: "the others and what is offline", except: "s1", offline: true, ended: []string{"s2"}, told: told("s0", "s2"), revoked: everything("s0", "s2")},
		{name: "one that is gone", session: "s0", offline: true, told: told("s0"), revoked: everything("s0")},
		{name: "the one excepted", session: "s1", except: "s1"},
		{name: "one that never was", session: "s9"},
	}
	eachURL(t, func(t *testing.T, db *storage.DB, url string) {
		raw := outside(t, url)
		seedProducts(t, db)
		seedSessions(t, db, "other")
		for i, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				user := fmt.Sprint("user", i, ":")
				seedSessions(t, db, user)
				e := storage.Ending{UserID: user, Offline: c.offline}
				if c.session != "" {
					e.Session = user + c.session
				}
				if c.except != "" {
					e.Except = user + c.except
				}
				mustWrite(t, db, endSessions(e, int64(len(c.ended))))
				short := fmt.Sprintf("substr(id, %d)", len(user)+1)
				mustEqual(t, column[string](t, raw, `SELECT `+short+` FROM sessions WHERE user_id = $1 AND ended_at IS NOT NULL ORDER BY id`, user), c.ended)
				mustEqual(t, column[string](t, raw, `SELECT `+short+` FROM grants WHERE user_id = $1 AND revoked_at IS NOT NULL ORDER BY id`, user), c.revoked)
				mustEqual(t, mustDeliverLogouts(t, db, user, noon.Add(time.Minute)), c.told)
			})
		}
		// Nobody else's session can be named.
		mustWrite(t, db, endSessions(storage.Ending{UserID: ada, Session: "others1", Offline: true}, 0))
		if n := count(t, raw, "grants WHERE user_id = 'other' AND revoked_at IS NOT NULL"); n != 0 {
			t.Errorf("%d grants of somebody else were revoked", n)
		}
		if n := count(t, raw, "sessions WHERE user_id = 'other' AND ended_at IS NOT NULL"); n != 0 {
			t.Errorf("%d sessions of somebody else were ended", n)
		}
	})
}

// A product that keeps its offline grant was told when the session ended, and
// isn't told again.
func TestEndSessionsTellsOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seedProducts(t, db)
		seedSessions(t, db, "bob")
		mustWrite(t, db, endSessions(storage.Ending{UserID: "bob", Session: "bobs1"}, 1))
		mustEqual(t, mustDeliverLogouts(t, db, "bob", noon.Add(time.Minute)), []string{"s1 dashboard", "s1 mail"})
		mustWrite(t, db, endSessions(storage.Ending{UserID: "bob", Except: "bobs2", Offline: true}, 0))
		mustEqual(t, mustDeliverLogouts(t, db, "bob", noon.Add(time.Minute)), []string{"s0 dashboard", "s0 mail"})
	})
}

// What was proved before a change must not become a session after it.
func TestEndSessionsEndsHalfFinishedSignIns(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		begun := func(id, user string) {
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
				a := request(id)
				a.UserID, a.Proofs = user, storage.Proofs(`[{"method":"password"}]`)
				return tx.InsertAuthRequest(ctx, a)
			})
		}
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertUser(ctx, person("bob"), noon) })
		begun("hers", ada)
		begun("goes on", ada)
		begun("his", "bob")
		stale := must(db.AuthRequest(t.Context(), "hers"))(t)
		end := func(e storage.Ending) {
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { _, err := tx.EndSessions(ctx, e, noon); return err })
		}
		proved := func(id string) bool {
			a := must(db.AuthRequest(t.Context(), id))(t)
			return a.UserID != "" && strings.Contains(string(a.Proofs), "password")
		}

		end(storage.Ending{UserID: ada, Session: "one of them"})
		if !proved("hers") {
			t.Error("ending one session ended a sign-in")
		}
		end(storage.Ending{UserID: ada, ExceptRequest: "goes on"})
		if proved("hers") || !proved("goes on") || !proved("his") {
			t.Errorf("still proved: hers %v, goes on %v, his %v", proved("hers"), proved("goes on"), proved("his"))
		}
		// A page that was loaded before can't bring the proofs back.
		if err := write(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateAuthRequest(ctx, stale) }); !storage.IsSpent(err) {
			t.Errorf("written back: %v", err)
		}
	})
}
