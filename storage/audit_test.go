package storage_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestAudit(t *testing.T) {
	eachURL(t, func(t *testing.T, db *storage.DB, url string) {
		full := storage.Event{
			At: noon, Event: "totp.enrolled", Result: storage.OK, OrgID: acme, UserID: ada, Actor: "grace", ClientID: board,
			Factor: "totp", IP: "192.0.2.1", Reason: "because", RequestID: "req",
		}
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return errors.Join(tx.Audit(ctx, full, storage.Event{At: noon, Event: "bare"}), tx.Audit(ctx))
		})
		raw := outside(t, url)
		if n := count(t, raw, "audit"); n != 2 {
			t.Fatalf("%d lines", n)
		}
		got := storage.Event{At: noon}
		var at int64
		if err := raw.QueryRow(`SELECT at, event, result, org_id, user_id, actor, client_id, factor, ip, reason, request_id FROM audit WHERE event = 'totp.enrolled'`).
			Scan(&at, &got.Event, &got.Result, &got.OrgID, &got.UserID, &got.Actor, &got.ClientID, &got.Factor, &got.IP, &got.Reason, &got.RequestID); err != nil {
			t.Fatal(err)
		}
		mustEqual(t, got, full)
		mustEqual(t, at, noon.UnixMilli())
	})
}

func TestActivity(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			var events []storage.Event
			for i := range 5 {
				at := noon.Add(time.Duration(i) * time.Minute)
				events = append(events,
					storage.Event{At: at, Event: fmt.Sprint("session.", i), Result: storage.OK, UserID: ada, ClientID: board, Factor: "totp", IP: "192.0.2.1", Reason: "why"},
					storage.Event{At: at, Event: "token.refreshed", UserID: ada},
					storage.Event{At: at, Event: "session.hers", UserID: "grace"})
			}
			return tx.Audit(ctx, events...)
		})
		latest := must(db.Activity(t.Context(), ada, 2))(t)
		want := []*storage.Event{}
		for _, i := range []int{4, 3} {
			want = append(want, &storage.Event{At: noon.Add(time.Duration(i) * time.Minute), Event: fmt.Sprint("session.", i), Result: storage.OK, ClientID: board, Factor: "totp", IP: "192.0.2.1", Reason: "why"})
		}
		mustEqual(t, latest, want)
		if all := must(db.Activity(t.Context(), ada, 100))(t); len(all) != 5 {
			t.Fatalf("%d events in all", len(all))
		}
	})
}

// An event is written with what it tells of, or not at all.
func TestAuditIsPartOfTheTransaction(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		mustRefuse(t, db, storage.ErrSpent, func(ctx context.Context, tx *storage.Tx) error {
			if err := tx.Audit(ctx, storage.Event{At: noon, Event: "code.issued", UserID: ada}); err != nil {
				return err
			}
			return tx.SpendLink(ctx, "unknown", noon)
		})
		if all := must(db.Activity(t.Context(), ada, 100))(t); len(all) != 0 {
			t.Fatalf("%d events of what never was", len(all))
		}
	})
}
