package govern_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/idp"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/storage"
)

func TestKeys(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		// The keys of three changes are made, each before its transaction, and none
		// for whoever may not change them.
		prepared, inTx := 0, false
		w.PrepareRotation = func(ctx context.Context, r storage.Reader, now time.Time, atOnce bool) (func(context.Context, *storage.Tx) error, error) {
			prepared++
			// Whoever is in a transaction would hold up this one.
			w.must(w.DB.Write(ctx, func(*storage.Tx) error { return nil }))
			rotate, err := idp.PrepareRotation(ctx, r, now, atOnce)
			return func(ctx context.Context, tx *storage.Tx) error { inTx = true; return rotate(ctx, tx) }, err
		}
		defer func() {
			if prepared != 3 || !inTx {
				t.Errorf("keys were made %d times, not 3; in place: %v", prepared, inTx)
			}
		}()
		states := func() (all []string) {
			t.Helper()
			keys, err := w.Keys(ctx, w.as(otto))
			w.must(err)
			for _, k := range keys {
				all = append(all, k.Alg+" "+k.State)
			}
			slices.Sort(all)
			return all
		}
		w.must(w.ChangeKeys(ctx, w.as(otto), true))
		if got := states(); !slices.Equal(got, []string{"ES256 signing", "RS256 signing"}) {
			t.Errorf("%v", got)
		}
		w.now = w.now.Add(24 * time.Hour)
		w.must(w.ChangeKeys(ctx, w.as(otto), false))
		if got := states(); !slices.Equal(got, []string{"ES256 next", "ES256 signing", "RS256 next", "RS256 signing"}) {
			t.Errorf("%v", got)
		}
		w.now = w.now.Add(time.Hour)
		if got := states(); !slices.Equal(got, []string{"ES256 retired", "ES256 signing", "RS256 retired", "RS256 signing"}) {
			t.Errorf("%v", got)
		}
		w.now = w.now.Add(time.Minute)
		w.must(w.ChangeKeys(ctx, w.as(otto), true))
		if got := states(); !slices.Equal(got, []string{"ES256 signing", "RS256 signing"}) {
			t.Errorf("%v", got)
		}
		page, err := w.Audit(ctx, w.as(otto), "", govern.AuditFilter{Event: "keys.rotated"})
		w.must(err)
		if len(page.Events) != 3 || page.Events[0].Reason == "" || page.Events[1].Reason != "" {
			t.Errorf("audited %+v", page.Events)
		}
		w.refused(w.ChangeKeys(ctx, w.as(olga), false), "role")
		_, err = w.Keys(ctx, w.as(olga))
		w.refused(err, "role")
		tired := w.as(otto)
		tired.Vouches = false
		if err := w.ChangeKeys(ctx, tired, false); !errors.Is(err, govern.ErrNotFresh) {
			t.Errorf("without a fresh factor: %v", err)
		}
	})
}

func TestDelivery(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		w.write(func(tx *storage.Tx) error {
			if err := tx.Queue(ctx, storage.OutgoingLogout, "board", "", w.now); err != nil {
				return err
			}
			return tx.Queue(ctx, storage.OutgoingMail, "a…@acme.example", "Hello", w.now)
		})
		if _, err := w.db.Deliver(ctx, storage.OutgoingMail, 0, func() time.Time { return w.now }, func(context.Context, *storage.Outgoing) error { return errors.New("mailbox full") }); err != nil {
			t.Fatal(err)
		}
		ways, err := w.Delivery(ctx, w.as(otto))
		w.must(err)
		if len(ways) != 3 || ways[0].Kind != "mail" || !ways[0].Configured || ways[0].Failed != 1 || ways[0].LastError != "mailbox full" || ways[1].Configured || ways[2].Waiting != 1 {
			t.Errorf("%+v", ways)
		}
		page, err := w.Govern.GivenUp(ctx, w.as(otto), "", 0)
		w.must(err)
		if len(page.Messages) != 1 || !page.Messages[0].Retry || page.Messages[0].To != "a…@acme.example" || page.Next != "" {
			t.Fatalf("%+v", page)
		}
		id := page.Messages[0].ID
		w.refused(w.RetryMessage(ctx, w.as(olga), id), "role")
		w.refused(w.DropMessage(ctx, w.as(olga), id), "role")
		_, err = w.Delivery(ctx, w.as(olga))
		w.refused(err, "role")
		_, err = w.Govern.GivenUp(ctx, w.as(olga), "", 0)
		w.refused(err, "role")
		w.must(w.RetryMessage(ctx, w.as(otto), id))
		w.hidden(w.DropMessage(ctx, w.as(otto), id)) // it is on its way
		if _, err := w.db.Deliver(ctx, storage.OutgoingMail, 0, func() time.Time { return w.now }, func(context.Context, *storage.Outgoing) error { return errors.New("mailbox full") }); err != nil {
			t.Fatal(err)
		}
		w.must(w.DropMessage(ctx, w.as(otto), id))
		w.hidden(w.DropMessage(ctx, w.as(otto), id))
		var events []string
		audit, err := w.Audit(ctx, w.as(otto), "", govern.AuditFilter{Event: "delivery."})
		w.must(err)
		for _, e := range audit.Events {
			events = append(events, e.Event+": "+e.Reason)
		}
		slices.Sort(events)
		if !slices.Equal(events, []string{"delivery.dropped: mail to a…@acme.example", "delivery.retried: mail to a…@acme.example"}) {
			t.Errorf("%q", events)
		}
	})
}

func TestSendTest(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		w.must(w.SendTest(ctx, w.as(otto), storage.OutgoingMail, ana, "en"))
		if w.mailed() != 1 {
			t.Errorf("%d mails", w.mailed())
		}
		w.mistakes(w.SendTest(ctx, w.as(otto), storage.OutgoingMail, "ana", "en"), "to form")
		w.mistakes(w.SendTest(ctx, w.as(otto), storage.OutgoingText, "+41791234567", "en"), "kind not_allowed") // there is no gateway
		w.mistakes(w.SendTest(ctx, w.as(otto), storage.OutgoingLogout, "board", "en"), "kind not_allowed")
		w.refused(w.SendTest(ctx, w.as(olga), storage.OutgoingMail, ana, "en"), "role")
		if w.mailed() != 1 {
			t.Errorf("%d mails", w.mailed())
		}
	})
}
