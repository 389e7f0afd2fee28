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

// device is one that waits for ten minutes and may ask every five seconds; its
// device code is its id.
func device(id string) storage.DeviceCode {
	return storage.DeviceCode{
		Hash: storage.Hash(id), UserCodeHash: "typed " + id, ClientID: board, Params: json.RawMessage(`{"scope":"openid"}`),
		IP: "203.0.113.9", UserAgent: "TV", CreatedAt: noon, ExpiresAt: noon.Add(10 * time.Minute), Every: 5 * time.Second,
	}
}

func insertDevice(d storage.DeviceCode) func(context.Context, *storage.Tx) error {
	return func(ctx context.Context, tx *storage.Tx) error { return tx.InsertDeviceCode(ctx, d) }
}

func allowDevice(id, grantID string, at time.Time) func(context.Context, *storage.Tx) error {
	return func(ctx context.Context, tx *storage.Tx) error {
		return tx.AllowDevice(ctx, storage.Hash(id), grantID, at)
	}
}

func denyDevice(id string, at time.Time) func(context.Context, *storage.Tx) error {
	return func(ctx context.Context, tx *storage.Tx) error { return tx.DenyDevice(ctx, storage.Hash(id), at) }
}

func redeemDevice(id, clientID string, at time.Time) func(context.Context, *storage.Tx) error {
	return func(ctx context.Context, tx *storage.Tx) error {
		_, err := tx.RedeemDevice(ctx, storage.Hash(id), clientID, at)
		return err
	}
}

func TestDeviceCode(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		want := device("d")
		mustWrite(t, db, insertDevice(want))
		mustEqual(t, must(db.DeviceCode(t.Context(), want.Hash))(t), &want)
		if _, err := db.DeviceCode(t.Context(), storage.Hash("another")); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("a code that isn't there: %v", err)
		}

		// What a person types is unique.
		again := device("e")
		again.UserCodeHash = want.UserCodeHash
		mustRefuse(t, db, storage.ErrTaken, insertDevice(again))

		waits := func(at time.Time) bool {
			t.Helper()
			d, err := db.WaitingDevice(t.Context(), want.UserCodeHash, at)
			if err != nil && !errors.Is(err, storage.ErrNotFound) {
				t.Fatal(err)
			}
			return err == nil && d.Hash == want.Hash
		}
		last := want.ExpiresAt.Add(-time.Millisecond)
		if !waits(noon) || !waits(last) || waits(want.ExpiresAt) {
			t.Error("it waits from its beginning to its end")
		}
		mustRefuse(t, db, storage.ErrSpent, redeemDevice("d", board, noon)) // nobody allowed it yet
		mustRefuse(t, db, storage.ErrSpent, allowDevice("d", "g", want.ExpiresAt))
		mustRefuse(t, db, storage.ErrSpent, denyDevice("d", want.ExpiresAt))

		// One answer.
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertGrant(ctx, grant("g", "s")) })
		mustWrite(t, db, allowDevice("d", "g", last))
		mustRefuse(t, db, storage.ErrSpent, allowDevice("d", "g2", noon))
		mustRefuse(t, db, storage.ErrSpent, denyDevice("d", noon))
		if waits(noon) {
			t.Error("it waits though it was allowed")
		}

		// Once, in time, by its client.
		mustRefuse(t, db, storage.ErrSpent, redeemDevice("d", "another", noon))
		mustRefuse(t, db, storage.ErrSpent, redeemDevice("d", board, want.ExpiresAt))
		mustWrite(t, db, redeemDevice("d", board, last))
		mustRefuse(t, db, storage.ErrSpent, redeemDevice("d", board, last))
		want.GrantID, want.RedeemedAt = "g", last
		mustEqual(t, must(db.DeviceCode(t.Context(), want.Hash))(t), &want)
		if st := must(db.Standing(t.Context(), "g", noon))(t); !st.Grant.CodeUsedAt.Equal(last) {
			t.Errorf("the grant counts as used from %s", st.Grant.CodeUsedAt)
		}

		mustWrite(t, db, insertDevice(device("no")))
		mustWrite(t, db, denyDevice("no", noon))
		mustRefuse(t, db, storage.ErrSpent, allowDevice("no", "g", noon))
		mustRefuse(t, db, storage.ErrSpent, redeemDevice("no", board, noon))
		if _, err := db.WaitingDevice(t.Context(), device("no").UserCodeHash, noon); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("it waits though it was refused: %v", err)
		}
	})
}

func TestPollDevice(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, insertDevice(device("d")))
		poll := func(after time.Duration, wantFast bool, wantEvery time.Duration) {
			t.Helper()
			var d *storage.DeviceCode
			var fast bool
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) (err error) {
				d, fast, err = tx.PollDevice(ctx, storage.Hash("d"), board, noon.Add(after))
				return err
			})
			if fast != wantFast || d.Every != wantEvery || !d.PolledAt.Equal(noon.Add(after)) {
				t.Fatalf("after %s: too fast %t, every %s, polled at %s", after, fast, d.Every, d.PolledAt)
			}
		}
		poll(0, false, 5*time.Second)
		poll(5*time.Second, false, 5*time.Second)
		poll(10*time.Second-time.Millisecond, true, 10*time.Second)
		poll(15*time.Second, true, 15*time.Second) // from the last one on, not from the last good one
		poll(30*time.Second, false, 15*time.Second)
		for _, other := range [][2]string{{"d", "another"}, {"another", board}} {
			mustRefuse(t, db, storage.ErrNotFound, func(ctx context.Context, tx *storage.Tx) error {
				_, _, err := tx.PollDevice(ctx, storage.Hash(other[0]), other[1], noon.Add(time.Hour))
				return err
			})
		}
		if got := must(db.DeviceCode(t.Context(), storage.Hash("d")))(t); !got.PolledAt.Equal(noon.Add(30 * time.Second)) {
			t.Errorf("another client's poll counted: %s", got.PolledAt)
		}
	})
}

// What a token was exchanged for ends with the grant that the token was of.
func TestExchangedGrant(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		insert := func(id, clientID, parent string) {
			t.Helper()
			g := grant(id, "s")
			g.ClientID, g.Parent, g.CodeHash = clientID, parent, ""
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertGrant(ctx, g) })
		}
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return errors.Join(tx.PutClient(ctx, storage.Client{ID: "other"}, noon), tx.PutClient(ctx, storage.Client{ID: "third"}, noon))
		})
		revoked := func(id string) bool {
			t.Helper()
			return !must(db.Standing(t.Context(), id, noon))(t).Grant.RevokedAt.IsZero()
		}
		hold := func(id string) func(context.Context, *storage.Tx) error {
			return func(ctx context.Context, tx *storage.Tx) error { return tx.HoldGrant(ctx, id) }
		}
		insert("first", board, "")
		insert("second", "other", "first")
		insert("unlike", "other", "")
		mustWrite(t, db, hold("first"))
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			_, err := tx.RevokeGrant(ctx, "first", noon)
			return err
		})
		if !revoked("first") || !revoked("second") || revoked("unlike") {
			t.Errorf("revoked: %t %t %t", revoked("first"), revoked("second"), revoked("unlike"))
		}
		mustRefuse(t, db, storage.ErrSpent, hold("first"))
		mustRefuse(t, db, storage.ErrSpent, hold("nothing"))

		insert("again", board, "")
		insert("exchanged", "third", "again")
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.Withdraw(ctx, ada, board, noon) })
		if !revoked("again") || !revoked("exchanged") || revoked("unlike") {
			t.Errorf("withdrawn: %t %t %t", revoked("again"), revoked("exchanged"), revoked("unlike"))
		}
	})
}
