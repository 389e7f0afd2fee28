package govern_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// Nobody does away with what slows down guessing of their own codes: whoever
// sits in their chair would guess a fresh second factor.
func TestNobodyUnlocksThemselves(t *testing.T) {
	each(t, func(w *world) {
		for _, who := range []string{"olga@acme.example", "adam@acme.example"} {
			_, err := w.UnlockPerson(t.Context(), w.as(who), "acme", w.user(who).ID)
			w.refused(err, "self")
		}
		_, err := w.UnlockPerson(t.Context(), w.as("olga@acme.example"), "acme", w.user("adam@acme.example").ID)
		w.must(err)
	})
}

// Nor do they take back what is required of them, one by one, in a table, or
// with many.
func TestNobodyFreesThemselves(t *testing.T) {
	each(t, func(w *world) {
		ctx, adam := t.Context(), w.user("adam@acme.example").ID
		_, err := w.RequireTwoStep(ctx, w.as("olga@acme.example"), "acme", adam, true)
		w.must(err)
		_, err = w.RequireTwoStep(ctx, w.as("adam@acme.example"), "acme", adam, false)
		w.refused(err, "self")
		done, err := w.Bulk(ctx, w.as("adam@acme.example"), "acme", govern.Lift, govern.Chosen{IDs: []string{adam}})
		if err != nil || done.Done != 0 {
			t.Errorf("in bulk: %+v, %v", done, err)
		}
		_, err = w.Import(ctx, w.as("adam@acme.example"), "acme", strings.NewReader("email,name,require_two_step\nadam@acme.example,Adam Administrator,false\n"), false)
		if _, wrong := errors.AsType[*govern.ImportProblems](err); !wrong {
			t.Errorf("in a table: %v", err)
		}
		if !w.user("adam@acme.example").TwoStepRequired {
			t.Error("adam is free")
		}
		_, err = w.RequireTwoStep(ctx, w.as("olga@acme.example"), "acme", adam, false)
		w.must(err)
	})
}

// However an API client is made, changed or given a secret: it takes a person's
// fresh second factor.
func TestAPIClientsByAnotherWay(t *testing.T) {
	each(t, func(w *world) {
		ctx, stale := t.Context(), w.as("otto@globex.example")
		stale.Vouches = false
		robot := w.machine("crane", "", "products:write", "people:read")
		client := apply.NewProduct()
		client.ID, client.Name, client.GrantTypes, client.Scopes = "lift", "Lift", []string{"client_credentials"}, []string{"people:read"}
		_, err := w.CreateProduct(ctx, robot, client)
		w.refused(err, "machine")
		if _, err := w.CreateProduct(ctx, stale, client); !errors.Is(err, govern.ErrNotFresh) {
			t.Errorf("registered without a fresh second factor: %v", err)
		}
		_, err = w.CreateProduct(ctx, w.as("otto@globex.example"), client)
		w.must(err)
		for name, err := range map[string]error{
			"rotate": second(w.RotateSecret(ctx, stale, "lift", 0)),
			"change": second(w.ChangeProduct(ctx, stale, client, "name")),
			"delete": w.DeleteProduct(ctx, stale, "lift"),
		} {
			if !errors.Is(err, govern.ErrNotFresh) {
				t.Errorf("%s without a fresh second factor: %v", name, err)
			}
		}
		// A product becomes an API client.
		board, err := w.Product(ctx, stale, "board")
		w.must(err)
		board.AuthMethod, board.GrantTypes = "client_secret_basic", []string{"authorization_code", "client_credentials"}
		if _, err := w.ChangeProduct(ctx, stale, board.Product, "auth_method", "grant_types"); !errors.Is(err, govern.ErrNotFresh) {
			t.Errorf("another grant without a fresh second factor: %v", err)
		}
	})
}

// What a machine began ends with it, and with what it is registered for.
func TestMachinesAreReadAnew(t *testing.T) {
	each(t, func(w *world) {
		ctx, robot := t.Context(), w.machine("robot", "acme", "people:read", "people:write")
		_, err := w.People(ctx, robot, "acme", govern.PeopleFilter{})
		w.must(err)
		w.apply(`products: [{id: robot, scopes: ["people:write"]}]`)
		_, err = w.People(ctx, robot, "acme", govern.PeopleFilter{})
		w.refused(err, "scope")
		w.apply(`products: [{id: robot, delete: true}]`)
		_, err = w.RequireTwoStep(ctx, robot, "acme", w.user("ana@acme.example").ID, true)
		w.refused(err, "gone")
	})
}

// A mailbox isn't flooded, whoever asks for it.
func TestMailsHaveACeiling(t *testing.T) {
	each(t, func(w *world) {
		clara := w.user("clara@client.example").ID
		sent := 0
		for ; sent < 50; sent++ {
			_, err := w.SendActivation(t.Context(), w.as("olga@acme.example"), "acme", clara)
			if _, tooMany := errors.AsType[*storage.QuotaError](err); tooMany {
				break
			}
			w.must(err)
		}
		if sent != 10 || w.mailed() != 10 {
			t.Errorf("%d were sent, %d are queued", sent, w.mailed())
		}
		w.now = w.now.Add(time.Hour)
		_, err := w.SendActivation(t.Context(), w.as("olga@acme.example"), "acme", clara)
		w.must(err)
	})
}

// An administrator's rules leave at least one owner a way in.
func TestOwnersAreNotAllLockedOut(t *testing.T) {
	each(t, func(w *world) {
		w.enrol("adam@acme.example")
		rules := policy.Rules{Administrators: policy.Requirement{Mode: policy.Required}, RecoveryOnly: true}
		preview, err := w.PreviewRules(t.Context(), w.as("adam@acme.example"), "acme", rules, govern.AllRules)
		w.must(err)
		if preview.LockedOut == nil {
			t.Error("the preview doesn't say that no owner could get in")
		}
		_, err = w.SaveRules(t.Context(), w.as("adam@acme.example"), "acme", rules, govern.SaveRulesOptions{})
		w.refused(err, "lockout")
		w.enrol("olga@acme.example")
		_, err = w.SaveRules(t.Context(), w.as("adam@acme.example"), "acme", rules, govern.SaveRulesOptions{})
		w.must(err)
	})
}

// Of a session that isn't theirs nothing is said, and nothing is written.
func TestSessionsOfOthers(t *testing.T) {
	each(t, func(w *world) {
		olgas := w.signIn("olga@acme.example")
		_, err := w.EndSessions(t.Context(), w.as("adam@acme.example"), "acme", w.user("ana@acme.example").ID, olgas)
		w.hidden(err)
		if got := w.audited("ana@acme.example"); slices.Contains(got, "session.ended") {
			t.Errorf("audited: %v", got)
		}
		anas := w.signIn("ana@acme.example")
		n, err := w.EndSessions(t.Context(), w.as("adam@acme.example"), "acme", w.user("ana@acme.example").ID, anas)
		if err != nil || n != 1 {
			t.Errorf("%d, %v", n, err)
		}
	})
}
