package storage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// reached are the ids of Reached.
func reached(t *testing.T, db *storage.DB, user, session string) (ids []string) {
	t.Helper()
	mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
		ids = nil
		all, err := tx.Reached(ctx, user, session)
		for _, c := range all {
			ids = append(ids, c.ID)
		}
		return err
	})
	return ids
}

// Reached are the products that were given something in a session, until it
// ends.
func TestReached(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seedProducts(t, db)
		seedSessions(t, db, "bob")
		seedSessions(t, db, "eve")
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			_, err := tx.RevokeGrant(ctx, "bobs1-mail2", noon)
			return err
		})
		mustEqual(t, reached(t, db, "bob", "bobs1"), []string{board, "mail", "quiet"}) // also what was revoked since; late redeemed nothing
		mustEqual(t, reached(t, db, "bob", "bobs2"), []string{board, "mail", "quiet"})
		mustEqual(t, reached(t, db, "bob", "eves1"), nil)
		mustWrite(t, db, endSessions(storage.Ending{UserID: "bob", Session: "bobs2", Offline: true}, 1))
		mustEqual(t, reached(t, db, "bob", "bobs2"), nil)
	})
}

// Who got something in a session is told of its end, also where that was
// revoked meanwhile; of a session that is long gone, only who still holds
// something. And whoever withdraws says so too.
func TestRevokedGrantsAreTold(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seedProducts(t, db)
		seedSessions(t, db, "bob")
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) (err error) {
			for _, id := range []string{"bobs0-mail2", "bobs1-mail2", "bobs2-mail2", "bobs2-dashboard0", "bobs2-dashboard1", "bobs2-late4"} {
				_, e := tx.RevokeGrant(ctx, id, noon)
				err = errors.Join(err, e)
			}
			return err
		})
		mustWrite(t, db, endSessions(storage.Ending{UserID: "bob", Session: "bobs1"}, 1))
		mustEqual(t, mustDeliverLogouts(t, db, "bob", noon.Add(time.Minute)), []string{"s1 dashboard", "s1 mail"})
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.Withdraw(ctx, "bob", "mail", noon) })
		mustEqual(t, mustDeliverLogouts(t, db, "bob", noon.Add(time.Minute)), []string{"s2 mail"})
		mustWrite(t, db, endSessions(storage.Ending{UserID: "bob", Offline: true}, 1))
		mustEqual(t, mustDeliverLogouts(t, db, "bob", noon.Add(time.Minute)), []string{"s0 dashboard", "s2 dashboard", "s2 mail"})
	})
}

// However many messages wait for a target that hangs, there is room for others
// in every batch, and what was never tried comes before what failed.
func TestDeliverAtOnceTakesTurns(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		queue := func(target string, n int, at time.Time) {
			t.Helper()
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) (err error) {
				for range n {
					err = errors.Join(err, tx.Queue(ctx, storage.OutgoingLogout, target, "over", at))
				}
				return err
			})
		}
		round := func(at time.Time) map[string]int {
			t.Helper()
			var mu sync.Mutex
			sent := make(map[string]int)
			if _, err := db.DeliverAtOnce(t.Context(), storage.OutgoingLogout, time.Hour, func() time.Time { return at }, func(_ context.Context, m *storage.Outgoing) error {
				mu.Lock()
				defer mu.Unlock()
				sent[m.Target]++
				if m.Target == "other" {
					return nil
				}
				return errors.New("it hangs")
			}); err != nil {
				t.Fatal(err)
			}
			return sent
		}
		queue("hangs", 70, noon)
		queue("other", 1, noon.Add(time.Second))
		mustEqual(t, round(noon.Add(time.Second)), map[string]int{"hangs": 4, "other": 1})
		// Retries that are long overdue, of more targets than a batch has room for.
		for i := range 20 {
			queue(fmt.Sprint("fails ", i), 1, noon)
		}
		for range 30 {
			round(noon.Add(time.Second))
		}
		queue("other", 2, noon.Add(time.Minute))
		if sent := round(noon.Add(time.Minute)); sent["other"] != 2 {
			t.Errorf("sent %v", sent)
		}
	})
}

// A device is told as products are, though it never had a code; whoever
// exchanged a token of somebody else's is not.
func TestDevicesAreTold(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seedProducts(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			err := errors.Join(tx.InsertUser(ctx, person("bob"), noon))
			for _, id := range []string{"device", "exchanged", "withdrawn"} {
				g := grant(id, "s"+id)
				g.UserID, g.CodeHash, g.CodeExpiresAt = "bob", "", noon
				if id == "exchanged" {
					g.ClientID, g.Parent = "mail", "device"
				}
				err = errors.Join(err, tx.InsertGrant(ctx, g))
			}
			return err
		})
		mustEqual(t, reached(t, db, "bob", "sdevice"), nil) // not through this browser
		mustWrite(t, db, endSessions(storage.Ending{UserID: "bob", Session: "sdevice"}, 0))
		mustWrite(t, db, endSessions(storage.Ending{UserID: "bob", Session: "sexchanged"}, 0))
		mustEqual(t, mustDeliverLogouts(t, db, "bob", noon.Add(time.Minute)), []string{"sdevice " + board})
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.Withdraw(ctx, "bob", board, noon) })
		mustEqual(t, mustDeliverLogouts(t, db, "bob", noon.Add(time.Minute)), []string{"swithdrawn " + board})
	})
}

// Messages of a batch are on their way at the same time, each is noted for
// itself, and what fails is due again later.
func TestDeliverAtOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) (err error) {
			for i := range 5 {
				err = errors.Join(err, tx.Queue(ctx, storage.OutgoingLogout, fmt.Sprint("product ", i), i, noon))
			}
			return err
		})
		var mu sync.Mutex
		var sent []string
		together := make(chan struct{})
		round := func(at time.Time, send storage.Send) int {
			t.Helper()
			n, err := db.DeliverAtOnce(t.Context(), storage.OutgoingLogout, time.Hour, func() time.Time { return at }, send)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		n := round(noon, func(_ context.Context, m *storage.Outgoing) error {
			mu.Lock()
			sent = append(sent, m.Target)
			if len(sent) == 5 {
				close(together)
			}
			mu.Unlock()
			<-together // nobody goes on before all are there
			if m.Target == "product 3" {
				return errors.New("not now")
			}
			return nil
		})
		slices.Sort(sent)
		if n != 5 || !slices.Equal(sent, []string{"product 0", "product 1", "product 2", "product 3", "product 4"}) {
			t.Errorf("%d: %v", n, sent)
		}
		again := func(_ context.Context, m *storage.Outgoing) error {
			if m.Target != "product 3" {
				t.Errorf("%s is sent again", m.Target)
			}
			return nil
		}
		if n := round(noon.Add(time.Second), again); n != 0 {
			t.Errorf("%d at once again", n)
		}
		if n := round(noon.Add(2*time.Second), again); n != 1 {
			t.Errorf("%d due", n)
		}
		if n := round(noon.Add(time.Hour), again); n != 0 {
			t.Errorf("%d after all were sent", n)
		}
	})
}
