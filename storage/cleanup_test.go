package storage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func mustClean(t *testing.T, db *storage.DB, holder string, now time.Time) int64 {
	t.Helper()
	n, err := db.Clean(t.Context(), holder, now)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// What has ended is kept as long as somebody can ask about it, and no longer.
func TestClean(t *testing.T) {
	const day = 24 * time.Hour
	end := noon.Add(time.Minute) // of all that is inserted here
	put := func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			a, s, g, short, r, l := request("a"), browser("s"), grant("g", "s"), grant("of t", "s"), refresh("r", "of t", ""), link("l", "set-up", ada)
			a.ExpiresAt, s.ExpiresAt, g.ExpiresAt, r.ExpiresAt, l.ExpiresAt = end, end, end, end, end
			_, countErr := tx.CountAttempt(ctx, "c", storage.Backoff{Free: 9}, end)
			_, lockErr := tx.CountAttempt(ctx, "locked", storage.Backoff{LockAfter: 1}, end)
			return errors.Join(countErr, lockErr,
				tx.InsertAuthRequest(ctx, a), tx.InsertSession(ctx, s), tx.InsertGrant(ctx, g), tx.InsertGrant(ctx, short),
				tx.InsertTokens(ctx, r), tx.InsertLink(ctx, l),
				tx.InsertTask(ctx, storage.Task{ID: "waiting", Kind: "remind"}, noon), tx.InsertTask(ctx, storage.Task{ID: "over", Kind: "remind"}, noon), tx.CancelTask(ctx, "over", end),
				tx.InsertMachineToken(ctx, storage.MachineToken{Hash: "m", Kind: storage.AccessToken, ClientID: board, CreatedAt: noon, ExpiresAt: end}),
				tx.UseID(ctx, "assertion", "u", end),
				tx.InsertPushedRequest(ctx, storage.PushedRequest{Hash: "p", ClientID: board, CreatedAt: noon, ExpiresAt: end}),
				tx.PutEnrolment(ctx, storage.Enrolment{BoundTo: "e", Kind: "totp", UserID: ada, ExpiresAt: end}),
				tx.Audit(ctx, storage.Event{At: noon, Event: "session.started", UserID: ada}),
				tx.SeeNetwork(ctx, ada, "192.0.2.0/24", noon), tx.PutConsent(ctx, ada, board, "openid", noon),
				tx.ReplaceBackupCodes(ctx, ada, []string{"b"}, noon),
				tx.InsertFactor(ctx, storage.Factor{ID: "f", UserID: ada, Kind: "totp"}, 0, noon),
				tx.InsertSigningKey(ctx, storage.SigningKey{ID: "k", Alg: "ES256", CreatedAt: noon, SignsFrom: noon}),
			)
		})
		mustQueue(t, db, "ada")
		deliverAt(t, db, end, func(*storage.Outgoing) error { return nil })
	}
	limits := []struct {
		keep time.Duration
		rows []string // of what
	}{
		{0, []string{"enrolments"}},
		{5 * time.Minute, []string{"used_ids", "pushed_requests"}},
		{time.Hour, []string{"auth_requests"}},
		{day, []string{"tokens", "machine_tokens", "grants WHERE id = 'g'", "sessions"}},
		{2 * day, []string{"attempts WHERE id = 'c'"}},
		{7 * day, []string{"links", "outbox"}},
		{30 * day, []string{"tasks WHERE id = 'over'"}},
	}
	forever := []string{"tasks WHERE id = 'waiting'", "users", "orgs", "clients", "audit", "known_networks", "consents", "backup_codes", "factors", "signing_keys"}
	eachURL(t, func(t *testing.T, db *storage.DB, url string) {
		put(t, db)
		raw := outside(t, url)
		for _, l := range limits {
			mustClean(t, db, "me", end.Add(l.keep))
			for _, rows := range l.rows {
				if n := count(t, raw, rows); n != 1 {
					t.Errorf("%s: cleaned up %v after its end", rows, l.keep)
				}
			}
			mustClean(t, db, "me", end.Add(l.keep+time.Millisecond))
			for _, rows := range l.rows {
				if n := count(t, raw, rows); n != 0 {
					t.Errorf("%s: kept for more than %v after its end", rows, l.keep)
				}
			}
		}
		if n := count(t, raw, "grants WHERE id = 'of t'"); n != 1 {
			t.Error("a grant that has not expired is gone")
		}
		if n := count(t, raw, "attempts WHERE id = 'locked'"); n != 1 {
			t.Error("waiting unlocks a factor")
		}
		for _, table := range forever {
			if n := count(t, raw, table); n == 0 {
				t.Errorf("%s was cleaned up", table)
			}
		}
	})
}

// Clean goes on until nothing is left, in steps that nobody has to wait long
// for.
func TestCleanManyInSteps(t *testing.T) {
	eachURL(t, func(t *testing.T, db *storage.DB, url string) {
		const rows = 1203
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			for i := range rows {
				if _, err := tx.CountAttempt(ctx, fmt.Sprint(i), storage.Backoff{}, noon); err != nil {
					return err
				}
			}
			return nil
		})
		before := db.Statements()
		if n := mustClean(t, db, "me", noon.Add(72*time.Hour)); n != rows {
			t.Fatalf("deleted %d of %d", n, rows)
		}
		if n := count(t, outside(t, url), "attempts"); n != 0 {
			t.Fatalf("%d left", n)
		}
		// The lease, one statement for each of the tables, and two more
		// for what is over 500.
		if n := db.Statements() - before; n != 1+19+2 {
			t.Fatalf("it took %d statements", n)
		}
	})
}

func TestCleanOnOneReplica(t *testing.T) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			url := storagetest.URL(t, engine)
			one, other := storagetest.Open(t, url, storage.Options{}), storagetest.Open(t, url, storage.Options{})
			old := func(id string) {
				mustWrite(t, one, func(ctx context.Context, tx *storage.Tx) error {
					_, err := tx.CountAttempt(ctx, id, storage.Backoff{}, noon.Add(-1000*time.Hour))
					return err
				})
			}
			old("a")
			if n := mustClean(t, one, "one", noon); n != 1 {
				t.Fatalf("the first deleted %d", n)
			}
			old("b")
			if n := mustClean(t, other, "other", noon.Add(time.Minute)); n != 0 {
				t.Fatalf("the second deleted %d while the first holds the lease", n)
			}
			if n := mustClean(t, one, "one", noon.Add(time.Minute)); n != 1 {
				t.Fatalf("the holder deleted %d", n)
			}
			old("c")
			if n := mustClean(t, other, "other", noon.Add(6*time.Minute)); n != 1 {
				t.Fatalf("the second deleted %d when the lease had run out", n)
			}
		})
	}
}

func TestLeaseHasOneHolder(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		for round := range 20 {
			now := noon.Add(time.Duration(round) * time.Hour)
			mine := make([]bool, 20)
			for _, err := range atOnce(len(mine), func(i int) error {
				return write(t, db, func(ctx context.Context, tx *storage.Tx) (err error) {
					mine[i], err = tx.Lease(ctx, "task", fmt.Sprint("replica", i), now.Add(time.Minute), now)
					return err
				})
			}) {
				if err != nil {
					t.Fatal(err)
				}
			}
			if holders := slices.DeleteFunc(slices.Clone(mine), func(b bool) bool { return !b }); len(holders) != 1 {
				t.Fatalf("%d replicas hold the lease", len(holders))
			}
		}
	})
}
