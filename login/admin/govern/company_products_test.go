package govern_test

import (
	"slices"
	"testing"

	"github.com/sallyport-id/sallyport/login/admin/govern"
)

func TestCompanyProducts(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		w.apply(`products:
  - {id: named, name: Named, auth_method: none, redirect_uris: [https://named.example/callback], people: [gwen@globex.example, ana@acme.example], require_two_factors: true}
  - {id: others, name: Others, auth_method: none, redirect_uris: [https://others.example/callback], people: [gwen@globex.example]}`)
		_, err := w.CreateAPIClient(ctx, w.as(olga), "acme", "Import", []string{"people:read"})
		w.must(err)
		w.must(w.GiveRoles(ctx, w.as(adam), "acme", w.user(ana).ID, map[string][]string{"board": {"viewer"}}))
		list := func(by string) map[string]govern.CompanyProduct {
			t.Helper()
			all, err := w.CompanyProducts(ctx, w.as(by), "acme")
			w.must(err)
			byID := make(map[string]govern.CompanyProduct)
			for _, p := range all {
				byID[p.ID] = p
			}
			return byID
		}
		all := list(adam)
		// Neither what is for others alone, nor API clients, nor the provider's own.
		if len(all) != 2 || all["board"].Name != "Board" || all["board"].WithRoles != 1 || len(all["board"].Roles) != 2 || all["board"].AlwaysByOperator {
			t.Errorf("%+v", all)
		}
		if named := all["named"]; named.People != 1 || !named.AlwaysByOperator {
			t.Errorf("%+v", named)
		}

		w.apply("companies: [{id: acme, rules: {new_network_check: true, two_factor_products: [named]}}]")
		w.must(w.RequireTwoFactorsFor(ctx, w.as(adam), "acme", "board", true))
		w.must(w.RequireTwoFactorsFor(ctx, w.as(adam), "acme", "board", true))
		if all := list(olga); !all["board"].AlwaysByCompany || !all["named"].AlwaysByCompany {
			t.Errorf("%+v", all)
		}
		w.must(w.RequireTwoFactorsFor(ctx, w.as(otto), "acme", "board", false))
		if all := list(olga); all["board"].AlwaysByCompany || !all["named"].AlwaysByCompany {
			t.Errorf("%+v", all)
		}
		// The other rules are as they were.
		rules, err := w.Sessions.Company(ctx, "acme")
		w.must(err)
		if !rules.Rules.NewNetworkCheck || !slices.Equal(rules.Rules.TwoFactorProducts, []string{"named"}) {
			t.Errorf("%+v", rules.Rules)
		}
		w.hidden(w.RequireTwoFactorsFor(ctx, w.as(adam), "acme", "sealed", true))
		w.hidden(w.RequireTwoFactorsFor(ctx, w.as(adam), "acme", "sallyport-account", true))
		w.refused(w.RequireTwoFactorsFor(ctx, w.as(ana), "acme", "board", true), "role")
		w.hidden(w.RequireTwoFactorsFor(ctx, w.as(adam), "globex", "board", true))
		_, err = w.CompanyProducts(ctx, w.as(ana), "acme")
		w.refused(err, "role")
		_, err = w.CompanyProducts(ctx, w.as(adam), "globex")
		w.hidden(err)
	})
}

func TestGiveRoles(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		id := w.user(ana).ID
		w.apply(`products: [{id: other, name: Other, auth_method: none, redirect_uris: [https://other.example/callback], roles: [{id: guest}]}, {id: free, name: Free, auth_method: none, redirect_uris: [https://free.example/callback]}]`)
		w.must(w.GiveRoles(ctx, w.as(adam), "acme", id, map[string][]string{"board": {"viewer", "editor", "viewer"}, "other": {"guest"}}))
		if got := w.user(ana).Roles["board"]; !slices.Equal(got, []string{"editor", "viewer"}) {
			t.Errorf("%v", got)
		}
		// What isn't named stays as it is.
		w.must(w.GiveRoles(ctx, w.as(adam), "acme", id, map[string][]string{"board": {}}))
		if got := w.user(ana).Roles; len(got) != 1 || !slices.Equal(got["other"], []string{"guest"}) {
			t.Errorf("%v", got)
		}
		w.mistakes(w.GiveRoles(ctx, w.as(adam), "acme", id, map[string][]string{"board": {"viewer", "king"}}), "roles.board[1] not_allowed")
		w.mistakes(w.GiveRoles(ctx, w.as(adam), "acme", id, map[string][]string{"free": {"king"}}), "roles.free[0] not_allowed")
		// Of what isn't open to the company nobody there knows.
		w.hidden(w.GiveRoles(ctx, w.as(adam), "acme", id, map[string][]string{"sealed": {"secret-keeper"}}))
		w.hidden(w.GiveRoles(ctx, w.as(adam), "acme", w.user("gwen@globex.example").ID, map[string][]string{"board": {"viewer"}}))
		w.refused(w.GiveRoles(ctx, w.as(adam), "acme", w.user(olga).ID, map[string][]string{"board": {"viewer"}}), "person_role")
		w.refused(w.GiveRoles(ctx, w.as(ana), "acme", id, map[string][]string{"board": {"editor"}}), "role")
	})
}
