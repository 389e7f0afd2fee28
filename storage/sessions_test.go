package storage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

const idle = time.Hour

func TestSignedIn(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		s := browser("s")
		s.Proofs, s.IP, s.UserAgent = storage.Proofs(`[{"method":"password"}]`), "192.0.2.1", "Firefox"
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			u := person(ada)
			u.Phone = "+12025550123"
			return errors.Join(
				tx.UpdateUser(ctx, u, noon),
				tx.InsertSession(ctx, s),
				tx.InsertFactor(ctx, storage.Factor{ID: "f1", UserID: ada, Kind: "totp"}, 0, noon),
				tx.InsertFactor(ctx, storage.Factor{ID: "f2", UserID: ada, Kind: "totp"}, 0, noon),
				tx.InsertFactor(ctx, storage.Factor{ID: "f3", UserID: ada, Kind: "sms"}, 0, noon),
				tx.ReplaceBackupCodes(ctx, ada, []string{"a", "b"}, noon),
				tx.PutConsent(ctx, ada, board, "openid email", noon),
			)
		})
		u := person(ada)
		u.Phone, u.Roles, u.CreatedAt, u.UpdatedAt = "+12025550123", map[string][]string{}, noon, noon
		u.SecondFactors = []string{"sms", "totp"}
		want := storage.SignedIn{Session: s, User: u, Methods: []string{"sms", "totp"}, BackupCodesLeft: 2, Consented: "openid email"}
		mustEqual(t, must(db.SignedIn(t.Context(), s.SecretHash, board, idle, noon))(t), &want)
		want.Consented = ""
		mustEqual(t, must(db.SignedIn(t.Context(), s.SecretHash, "another", idle, noon))(t), &want)
		want.Session = storage.Session{}
		mustEqual(t, must(db.Person(t.Context(), ada, "another"))(t), &want)
		if _, err := db.Person(t.Context(), "nobody", board); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("a person who isn't there: %v", err)
		}
	})
}

// What may be asked with a session's secret depends on when, and on what
// happened to it.
func TestSignedInNoMore(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertSession(ctx, browser("s")) })
		runs := func(secret string, now time.Time) bool {
			t.Helper()
			_, err := db.SignedIn(t.Context(), storage.Hash(secret), board, idle, now)
			if err != nil && !errors.Is(err, storage.ErrNotFound) {
				t.Fatal(err)
			}
			all := must(db.Sessions(t.Context(), ada, idle, now))(t)
			if secret == "s" && (len(all) == 1) != (err == nil) {
				t.Fatalf("%d sessions are listed, but the cookie says %v", len(all), err)
			}
			return err == nil
		}
		touch := func(now time.Time) {
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.TouchSession(ctx, "s", now) })
		}
		end := noon.Add(12 * time.Hour)
		for _, c := range []struct {
			name   string
			secret string
			now    time.Time
			want   bool
		}{
			{"at once", "s", noon, true},
			{"another secret", "t", noon, false},
			{"just not idle", "s", noon.Add(idle - time.Millisecond), true},
			{"idle", "s", noon.Add(idle), false},
		} {
			if runs(c.secret, c.now) != c.want {
				t.Errorf("%s: want %v", c.name, c.want)
			}
		}
		touch(end.Add(-time.Minute))
		if !runs("s", end.Add(-time.Millisecond)) || runs("s", end) {
			t.Error("the absolute end is not where it should be")
		}
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			_, err := tx.EndSessions(ctx, storage.Ending{UserID: ada}, noon)
			return err
		})
		if runs("s", end.Add(-time.Second)) {
			t.Error("an ended session runs on")
		}
	})
}

func TestRenewSession(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertSession(ctx, browser("s")) })
		renew := func(was, new string) func(context.Context, *storage.Tx) error {
			return func(ctx context.Context, tx *storage.Tx) error {
				return tx.RenewSession(ctx, "s", storage.Hash(was), storage.Hash(new), storage.Proofs(`["`+new+`"]`), noon.Add(time.Minute))
			}
		}
		mustWrite(t, db, renew("s", "second"))
		mustRefuse(t, db, storage.ErrSpent, renew("s", "third"))
		if _, err := db.SignedIn(t.Context(), storage.Hash("s"), board, idle, noon); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("the old cookie: %v", err)
		}
		want := browser("s")
		want.SecretHash, want.Proofs, want.LastSeenAt = storage.Hash("second"), storage.Proofs(`["second"]`), noon.Add(time.Minute)
		mustEqual(t, must(db.SignedIn(t.Context(), storage.Hash("second"), board, idle, noon.Add(time.Minute)))(t).Session, want)

		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			_, err := tx.EndSessions(ctx, storage.Ending{UserID: ada}, noon)
			return err
		})
		mustRefuse(t, db, storage.ErrSpent, renew("second", "fourth"))
	})
}

func TestSessionsLatestFirst(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		for i, id := range []string{"old", "newest", "new"} {
			s := browser(id)
			s.LastSeenAt = noon.Add([]time.Duration{0, 20, 10}[i] * time.Minute)
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertSession(ctx, s) })
		}
		var ids []string
		for _, s := range must(db.Sessions(t.Context(), ada, idle, noon.Add(30*time.Minute)))(t) {
			ids = append(ids, s.ID)
		}
		mustEqual(t, ids, []string{"newest", "new", "old"})
	})
}
