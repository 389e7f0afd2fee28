package govern_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/storage"
)

func TestAPIClients(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		made, err := w.CreateAPIClient(ctx, w.as(olga), "acme", " Staff Directory ", []string{"people:read"})
		w.must(err)
		c, err := w.db.Client(ctx, made.ID)
		w.must(err)
		if made.ID != "acme-staff-directory" || made.Name != "Staff Directory" || c.Org != "acme" || c.SecretHash != storage.Hash(made.Secret) || !slices.Equal(c.Scopes, []string{"people:read"}) || !slices.Equal(c.GrantTypes, []string{"client_credentials"}) {
			t.Errorf("%+v: %+v", made, c)
		}
		other, err := w.CreateAPIClient(ctx, w.as(olga), "acme", "Staff directory?", []string{"people:read"})
		w.must(err)
		if other.ID != "acme-staff-directory-2" {
			t.Errorf("the second is %s", other.ID)
		}
		long, err := w.CreateAPIClient(ctx, w.as(otto), "acme", strings.Repeat("Zürich ", 30), []string{"people:read"})
		w.must(err)
		if len(long.ID) > 64 {
			t.Errorf("%s", long.ID)
		}

		// The same name again is a form sent twice.
		_, err = w.CreateAPIClient(ctx, w.as(olga), "acme", "staff directory", []string{"people:read"})
		w.mistakes(err, "name taken")
		_, err = w.CreateAPIClient(ctx, w.as(olga), "acme", "", nil)
		w.mistakes(err, "name missing", "scopes missing")
		for _, scope := range []string{"companies:write", "keys:read", "delivery:read"} {
			if _, err = w.CreateAPIClient(ctx, w.as(otto), "acme", "Too much", []string{scope}); err == nil {
				t.Errorf("a company's API client got %s", scope)
			}
		}
		_, err = w.CreateAPIClient(ctx, w.as(olga), "acme", "Signs in", []string{"openid"})
		if err == nil {
			t.Error("an API client got openid")
		}

		list, err := w.APIClients(ctx, w.as(adam), "acme")
		w.must(err)
		if len(list.APIClients) != 3 || list.ShutOut {
			t.Errorf("%+v", list)
		}
		if others, err := w.APIClients(ctx, w.as("gwen@globex.example"), "globex"); err != nil || len(others.APIClients) != 0 {
			t.Errorf("%+v, %v", others, err)
		}
		_, err = w.APIClients(ctx, w.as(ana), "acme")
		w.refused(err, "role")
	})
}

func TestAPIClientsAreForOwners(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		made, err := w.CreateAPIClient(ctx, w.as(olga), "acme", "Import", []string{"people:read"})
		w.must(err)
		tired := w.as(olga)
		tired.Vouches = false
		machine := govern.Actor{ClientID: made.ID, OrgID: "acme", Scopes: []string{"products:write", "products:read"}}
		for name, do := range map[string]func(govern.Actor) error{
			"create": func(by govern.Actor) error {
				_, err := w.CreateAPIClient(ctx, by, "acme", "Another", []string{"people:read"})
				return err
			},
			"rotate": func(by govern.Actor) error {
				_, err := w.RotateAPIClient(ctx, by, "acme", made.ID, 0)
				return err
			},
			"delete": func(by govern.Actor) error { return w.DeleteAPIClient(ctx, by, "acme", made.ID) },
		} {
			t.Log(name)
			w.refused(do(w.as(adam)), "role")
			w.hidden(do(w.as("gwen@globex.example")))
			w.refused(do(machine), "role")
			if err := do(tired); !errors.Is(err, govern.ErrNotFresh) {
				t.Errorf("%s without a fresh factor: %v", name, err)
			}
		}
		if _, err := w.db.Client(ctx, made.ID); err != nil {
			t.Error(err)
		}
	})
}

func TestRotateAndDeleteAPIClient(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		made, err := w.CreateAPIClient(ctx, w.as(olga), "acme", "Import", []string{"people:read"})
		w.must(err)
		foreign, err := w.CreateAPIClient(ctx, w.as(otto), "globex", "Import", []string{"people:read"})
		w.must(err)
		again, err := w.RotateAPIClient(ctx, w.as(olga), "acme", made.ID, time.Hour)
		w.must(err)
		if c, err := w.db.Client(ctx, made.ID); err != nil || c.SecretHash != storage.Hash(again.Secret) || c.OldSecretHash != storage.Hash(made.Secret) {
			t.Errorf("%+v, %v", c, err)
		}
		// Neither another company's nor what people sign in to.
		for _, id := range []string{foreign.ID, "board", "sallyport-account", "nothing"} {
			_, err = w.RotateAPIClient(ctx, w.as(olga), "acme", id, 0)
			w.hidden(err)
			w.hidden(w.DeleteAPIClient(ctx, w.as(olga), "acme", id))
			_, err = w.APIClient(ctx, w.as(olga), "acme", id)
			w.hidden(err)
		}
		w.must(w.DeleteAPIClient(ctx, w.as(olga), "acme", made.ID))
		if _, err := w.db.Client(ctx, made.ID); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("deleted: %v", err)
		}
	})
}

func TestAPIClientsShutOut(t *testing.T) {
	each(t, func(w *world) {
		for rules, want := range map[string]bool{
			"{staff: {mode: required}}":                                 true,
			"{staff: {mode: required}, machine_from: [203.0.113.0/24]}": false,
			"{staff: {mode: optional}}":                                 false,
		} {
			w.apply("companies: [{id: acme, rules: " + rules + "}]")
			list, err := w.APIClients(t.Context(), w.as(adam), "acme")
			w.must(err)
			if list.ShutOut != want {
				t.Errorf("%s: shut out %v", rules, list.ShutOut)
			}
		}
	})
}

func TestMachineScopes(t *testing.T) {
	if got := govern.MachineScopes(); !slices.Equal(got, []string{"people:read", "people:write", "rules:read", "products:read", "audit:read"}) {
		t.Errorf("%q", got)
	}
}
