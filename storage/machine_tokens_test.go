package storage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func machineToken(hash, clientID string) storage.MachineToken {
	return storage.MachineToken{Hash: hash, Kind: storage.AccessToken, ClientID: clientID, Scope: "people:read keys:read", CreatedAt: noon, ExpiresAt: noon.Add(5 * time.Minute)}
}

func TestMachineToken(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		gone := func(hash string, at time.Time, why string) {
			t.Helper()
			if m, err := db.MachineToken(t.Context(), storage.AccessToken, hash, at); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("%s: %+v, %v", why, m, err)
			}
		}
		other := storage.Client{ID: "other"}
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return errors.Join(tx.PutClient(ctx, other, noon), tx.InsertMachineToken(ctx, machineToken("a", board)), tx.InsertMachineToken(ctx, machineToken("b", board)),
				tx.InsertMachineToken(ctx, machineToken("c", other.ID)))
		})
		want := machineToken("a", board)
		mustEqual(t, must(db.MachineToken(t.Context(), storage.AccessToken, "a", noon))(t), &want)
		must(db.MachineToken(t.Context(), storage.AccessToken, "a", want.ExpiresAt.Add(-time.Millisecond)))(t)
		gone("a", want.ExpiresAt, "at its end")
		gone("unknown", noon, "unknown")
		gone("\xff", noon, "no text")

		// Its client ends it, again and again, and no other.
		revoke := func(hash, clientID string) func(context.Context, *storage.Tx) error {
			return func(ctx context.Context, tx *storage.Tx) error {
				return tx.RevokeMachineToken(ctx, hash, clientID, noon)
			}
		}
		mustRefuse(t, db, storage.ErrNotFound, revoke("a", other.ID))
		mustRefuse(t, db, storage.ErrNotFound, revoke("unknown", board))
		must(db.MachineToken(t.Context(), storage.AccessToken, "a", noon))(t)
		mustWrite(t, db, revoke("a", board))
		mustWrite(t, db, revoke("a", board))
		gone("a", noon, "revoked")

		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.RevokeMachineTokens(ctx, board, noon) })
		gone("b", noon, "revoked with all of its client")
		must(db.MachineToken(t.Context(), storage.AccessToken, "c", noon))(t)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.DeleteClient(ctx, other.ID, noon) })
		gone("c", noon, "of a deleted client")
	})
}

func TestRotateSecret(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		c := fullClient
		c.Internal, c.OldSecretHash, c.OldSecretUntil = false, "", time.Time{}
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return errors.Join(tx.PutClient(ctx, c, noon), tx.InsertMachineToken(ctx, machineToken("m", board)),
				tx.PutClient(ctx, storage.Client{ID: "public", AuthMethod: "none"}, noon), tx.PutClient(ctx, storage.Client{ID: "pages", Internal: true}, noon))
		})
		must(db.Client(t.Context(), board))(t) // into the cache
		rotate := func(id, secret string, until time.Time) func(context.Context, *storage.Tx) error {
			return func(ctx context.Context, tx *storage.Tx) error {
				return tx.RotateSecret(ctx, id, secret, until, noon.Add(time.Minute))
			}
		}
		until := noon.Add(time.Hour)
		mustWrite(t, db, rotate(board, "second", until))
		want := c
		want.SecretHash, want.OldSecretHash, want.OldSecretUntil, want.CreatedAt, want.UpdatedAt = storage.Hash("second"), c.SecretHash, until, noon, noon.Add(time.Minute)
		mustEqual(t, must(db.Client(t.Context(), board))(t), &want)
		must(db.MachineToken(t.Context(), storage.AccessToken, "m", noon))(t)

		for _, past := range []time.Time{{}, noon.Add(time.Minute)} {
			mustWrite(t, db, rotate(board, "third", past))
			want.SecretHash, want.OldSecretHash, want.OldSecretUntil = storage.Hash("third"), "", time.Time{}
			mustEqual(t, must(db.Client(t.Context(), board))(t), &want)
		}
		if _, err := db.MachineToken(t.Context(), storage.AccessToken, "m", noon); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("the token of a secret that ended: %v", err)
		}

		mustRefuse(t, db, storage.ErrNotFound, rotate("nothing", "x", until))
		mustRefuse(t, db, storage.ErrNotFound, rotate("pages", "x", until))
		mustRefuse(t, db, storage.ErrNoSecret, rotate("public", "x", until))
		most := noon.Add(time.Minute + storage.MaxSecretOverlap)
		mustRefuse(t, db, storage.ErrLongOverlap, rotate(board, "x", most.Add(time.Millisecond)))
		mustEqual(t, must(db.Client(t.Context(), board))(t), &want)
		mustWrite(t, db, rotate(board, "fourth", most))
	})
}
