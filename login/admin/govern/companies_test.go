package govern_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// mistakes says that a call was told what is wrong with fields: pairs of field and
// code, sorted.
func (w *world) mistakes(err error, want ...string) {
	w.t.Helper()
	problems, ok := errors.AsType[*apply.Problems](err)
	if !ok {
		w.t.Errorf("%v, want problems with %v", err, want)
		return
	}
	var got []string
	for _, p := range problems.List {
		got = append(got, p.Field+" "+string(p.Code))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		w.t.Errorf("problems %q, want %q", got, want)
	}
}

const (
	otto = "otto@globex.example"
	olga = "olga@acme.example"
	adam = "adam@acme.example"
	ana  = "ana@acme.example"
)

func TestCompanies(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		list := func(f govern.CompaniesFilter) govern.CompaniesPage {
			t.Helper()
			page, err := w.Companies(ctx, w.as(otto), f)
			w.must(err)
			return page
		}
		all := list(govern.CompaniesFilter{})
		if len(all.Companies) != 2 || all.Total != 2 || all.Companies[0].ID != "acme" || all.Companies[0].People != 4 || all.Companies[0].Owners != 1 || all.Companies[0].Plan != nil {
			t.Errorf("%+v", all)
		}
		first := list(govern.CompaniesFilter{Limit: 1})
		if len(first.Companies) != 1 || first.Next != "acme" || first.Total != 2 {
			t.Errorf("first page %+v", first)
		}
		if rest := list(govern.CompaniesFilter{After: first.Next}); len(rest.Companies) != 1 || rest.Companies[0].ID != "globex" || rest.Next != "" {
			t.Errorf("second page %+v", rest)
		}
		if found := list(govern.CompaniesFilter{Search: " GLOB"}); len(found.Companies) != 1 || found.Total != 1 || found.Companies[0].ID != "globex" {
			t.Errorf("found %+v", found)
		}
		_, err := w.Companies(ctx, w.as(olga), govern.CompaniesFilter{})
		w.refused(err, "role")
	})
}

func TestCreateCompany(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		c, err := w.CreateCompany(ctx, w.as(otto), govern.NewCompany{ID: "initech", Name: "Initech", Owner: "ina@initech.example", Plan: []policy.Method{policy.TOTP}})
		w.must(err)
		if c.People != 1 || c.Owners != 1 || !slices.Equal(c.Plan, policy.Plan{policy.TOTP}) {
			t.Errorf("%+v", c)
		}
		if u := w.user("ina@initech.example"); u.Role != policy.Owner || u.OrgID != "initech" {
			t.Errorf("%+v", u)
		}
		if got := w.audited("ina@initech.example"); !slices.Equal(got, []string{"invitation.sent", "person.added"}) || w.mailed() != 1 {
			t.Errorf("audited %v, mailed %d", got, w.mailed())
		}
		// All that is wrong is told at once, and nothing is left of it.
		_, err = w.CreateCompany(ctx, w.as(otto), govern.NewCompany{ID: "In It", Owner: "nobody"})
		w.mistakes(err, "id form", "name missing", "owner form")
		_, err = w.CreateCompany(ctx, w.as(otto), govern.NewCompany{ID: "hooli", Name: "Hooli", Owner: ana})
		w.mistakes(err, "owner taken")
		if _, err := w.db.Org(ctx, "hooli"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("a company without the owner it should have: %v", err)
		}
		_, err = w.CreateCompany(ctx, w.as(otto), govern.NewCompany{ID: "acme", Name: "Acme"})
		w.mistakes(err, " taken")
		_, err = w.CreateCompany(ctx, w.as(olga), govern.NewCompany{ID: "hooli", Name: "Hooli"})
		w.refused(err, "role")
	})
}

func TestChangeCompany(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		w.apply("companies: [{id: acme, rules: {staff: {mode: required}, methods: [webauthn]}}]")
		entry := apply.NewCompany()
		entry.ID, entry.Name, entry.Plan = "acme", "Acme & Co", []policy.Method{policy.WebAuthn}
		c, err := w.ChangeCompany(ctx, w.as(otto), entry, "name", "plan")
		w.must(err)
		if c.Name != "Acme & Co" || !slices.Equal(c.Plan, policy.Plan{policy.WebAuthn}) {
			t.Errorf("%+v", c)
		}
		// A plan must leave those something who have to use a second factor.
		entry.Plan = []policy.Method{policy.TOTP}
		_, err = w.ChangeCompany(ctx, w.as(otto), entry, "plan")
		w.mistakes(err, "rules.methods conflict")
		_, err = w.ChangeCompany(ctx, w.as(otto), entry, "rules")
		w.refused(err, "operator")
		_, err = w.ChangeCompany(ctx, w.as(olga), entry, "name")
		w.refused(err, "role")
		entry.ID = "nowhere"
		_, err = w.ChangeCompany(ctx, w.as(otto), entry, "name")
		w.hidden(err)
	})
}

func TestDeleteCompany(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		w.mistakes(w.DeleteCompany(ctx, w.as(otto), "acme"), "delete in_use")
		_, err := w.CreateCompany(ctx, w.as(otto), govern.NewCompany{ID: "initech", Name: "Initech"})
		w.must(err)
		_, err = w.CreateAPIClient(ctx, w.as(otto), "initech", "Import", []string{"people:read"})
		w.must(err)
		w.apply("products: [{id: sealed, companies: [globex, initech]}]")
		w.mistakes(w.DeleteCompany(ctx, w.as(otto), "initech"), "delete in_use")
		w.apply("products: [{id: sealed, companies: [globex]}]")
		w.refused(w.DeleteCompany(ctx, w.as("gwen@globex.example"), "globex"), "role")
		w.must(w.DeleteCompany(ctx, w.as(otto), "initech"))
		w.hidden(w.DeleteCompany(ctx, w.as(otto), "initech"))
		// Its API client went with it.
		if _, err := w.db.Client(ctx, "initech-import"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("its API client: %v", err)
		}
	})
}
