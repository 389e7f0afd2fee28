package admin

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// knownCompanies is how many companies the form lists as a help, at most.
const knownCompanies = 50

func (a *Admin) newProductPage(v *visit) error {
	if err := a.Govern.Ask(v.Ctx(), v.by, govern.ChangeProducts, "", ""); err != nil {
		return err
	}
	form := formOf(apply.NewProduct())
	form.New = true
	return a.showProductForm(v, form, nil)
}

func (a *Admin) newProductPost(v *visit) error {
	form := page.ReadProductForm(v.R.PostForm)
	form.New = true
	entry, wrong := entryIn(form)
	if wrong != nil {
		return a.showProductForm(v, form, wrong)
	}
	err := a.Govern.Within(v.Ctx(), func(ctx context.Context, tx *storage.Tx) error {
		made, err := a.Govern.CreateProduct(ctx, v.by, entry)
		if err != nil {
			return err
		}
		return a.keepSecret(ctx, tx, v, govern.Rotated{ClientID: entry.ID, Secret: made.Secret})
	})
	if errors.Is(err, govern.ErrNotFresh) {
		return a.showProductForm(v, form, map[string]page.Text{"": page.Say(notFresh)})
	}
	if wrong := productProblems(form, err); wrong != nil {
		return a.showProductForm(v, form, wrong)
	}
	if err != nil {
		return err
	}
	return v.done(page.Console{}.Instance("products", entry.ID), "added")
}

func (a *Admin) editProductPage(v *visit) error {
	if err := a.Govern.Ask(v.Ctx(), v.by, govern.ChangeProducts, "", ""); err != nil {
		return err
	}
	product, err := a.Govern.Product(v.Ctx(), v.by, v.id("product"))
	if err != nil {
		return err
	}
	return a.showProductForm(v, formOf(product.Product), nil)
}

func (a *Admin) editProductPost(v *visit) error {
	product, err := a.Govern.Product(v.Ctx(), v.by, v.id("product"))
	if err != nil {
		return err
	}
	form := page.ReadProductForm(v.R.PostForm)
	form.ID = product.ID
	entry, wrong := entryIn(form)
	if wrong != nil {
		return a.showProductForm(v, form, wrong)
	}
	err = a.Govern.Within(v.Ctx(), func(ctx context.Context, tx *storage.Tx) error {
		made, err := a.Govern.ChangeProduct(ctx, v.by, entry, productFields...)
		if err != nil {
			return err
		}
		return a.keepSecret(ctx, tx, v, govern.Rotated{ClientID: entry.ID, Secret: made.Secret})
	})
	if errors.Is(err, govern.ErrNotFresh) {
		return a.showProductForm(v, form, map[string]page.Text{"": page.Say(notFresh)})
	}
	if wrong := productProblems(form, err); wrong != nil {
		return a.showProductForm(v, form, wrong)
	}
	if err != nil {
		return err
	}
	return v.done(page.Console{}.Instance("products", entry.ID), "saved")
}

// productFields are those of the form, by their names in a file.
var productFields = append([]string{
	"name", "auth_method", "redirect_uris", "post_logout_redirect_uris", "backchannel_logout_uri", "grant_types", "scopes", "company",
	"id_token_signed_response_alg", "pkce", "native", "first_party", "require_two_factors", "require_two_factors_of", "min_acr", "companies", "kinds",
	"people", "roles", "policy_uri", "tos_uri",
}, apply.ProtocolFields()...)

// formOf is a product as the form shows it.
func formOf(p apply.Product) page.ConsoleProductForm {
	form := page.ConsoleProductForm{
		ID: p.ID, Name: p.Name, AuthMethod: p.AuthMethod, Native: p.Native, RedirectURIs: p.RedirectURIs, PostLogoutRedirectURIs: p.PostLogoutRedirectURIs,
		BackchannelLogoutURI: p.BackchannelLogoutURI, GrantTypes: p.GrantTypes, Scopes: p.Scopes, IDTokenAlg: p.IDTokenAlg, PKCE: p.PKCE, FirstParty: p.FirstParty,
		TwoStepOf: p.RequireTwoFactorsOf, MinACR: p.MinACR, Companies: p.Companies, Kinds: p.Kinds, People: p.People, ActsFor: p.Company,
		PolicyURI: p.PolicyURI, TermsURI: p.TermsURI, ProductProtocol: protocolFormOf(p),
	}
	switch {
	case p.RequireTwoFactors && len(p.RequireTwoFactorsOf) > 0:
		form.TwoStep = "some"
	case p.RequireTwoFactors:
		form.TwoStep = "all"
	}
	for _, role := range p.Roles {
		form.Roles = append(form.Roles, page.ProductRole(role))
	}
	return form
}

// entryIn is the product that a form describes. What the form alone can say is
// wrong comes back by field.
func entryIn(form page.ConsoleProductForm) (apply.Product, map[string]page.Text) {
	entry := apply.Product{
		ID: form.ID, Name: form.Name, AuthMethod: form.AuthMethod, Native: form.Native, RedirectURIs: form.RedirectURIs, PostLogoutRedirectURIs: form.PostLogoutRedirectURIs,
		BackchannelLogoutURI: form.BackchannelLogoutURI, GrantTypes: form.GrantTypes, Scopes: form.Scopes, IDTokenAlg: form.IDTokenAlg, PKCE: form.PKCE,
		FirstParty: form.FirstParty, RequireTwoFactors: form.TwoStep != "", RequireTwoFactorsOf: form.TwoStepOf, MinACR: form.MinACR,
		Companies: form.Companies, Kinds: form.Kinds, People: form.People, Company: form.ActsFor, PolicyURI: form.PolicyURI, TermsURI: form.TermsURI,
	}
	for _, role := range form.Roles {
		entry.Roles = append(entry.Roles, storage.ProductRole(role))
	}
	wrong := protocolIn(form, &entry)
	if form.TwoStep == "some" && len(form.TwoStepOf) == 0 {
		// Of nobody in particular would be of everybody.
		wrong["require_two_factors"] = page.Say("problem.product.require_two_factors")
	}
	if len(wrong) == 0 {
		return entry, nil
	}
	return entry, wrong
}

// productProblems words what is wrong with a product, by the fields of its
// form: nil where err isn't about them.
func productProblems(form page.ConsoleProductForm, err error) map[string]page.Text {
	wrong, ok := errors.AsType[*apply.Problems](err)
	if !ok {
		return nil
	}
	machine := slices.Contains(form.GrantTypes, session.ClientCredentials) && !session.SignsIn(form.GrantTypes)
	all := make(map[string]page.Text)
	for _, p := range wrong.List {
		field, rest := formField(form, p.Field)
		id := field
		switch {
		case p.Field == "" && p.Code == apply.CodeTaken:
			field, id = "id", "id_taken"
		case field == "":
			all[""] = page.Say("field_problem." + string(p.Code))
			continue
		case field == "redirect_uris" && p.Code == apply.CodeMissing:
			id = "redirect_uris_missing"
		case field == "redirect_uris" && machine:
			id = "redirect_uris_machine"
		case field == "scopes" && (machine || form.ActsFor != "") && rest != "":
			id = "scopes_machine"
		case field == "jwks" && p.Field == "jwks" && p.Code == apply.CodeMissing:
			id = "jwks_missing"
		case field == "jwks" && p.Code == apply.CodeConflict:
			id = "jwks_conflict"
		}
		if _, twice := all[field]; !twice {
			all[field] = page.Say("problem.product."+id, "Value", valueAt(form, field, rest))
		}
	}
	return all
}

// formField is the field of the form that a field of an entry stands in, and
// what comes after a bracket; empty where the form has none for it.
func formField(form page.ConsoleProductForm, path string) (field, rest string) {
	field, rest, _ = strings.Cut(path, "[")
	first, second, _ := strings.Cut(field, ".")
	switch first {
	case "jwks", "tls_client":
		field = first
	case "claim_profile":
		second, _, _ = strings.Cut(second, ".")
		field = first + "." + second
	case "token_exchange":
		if second == "" {
			field = first + ".impersonate"
		}
	case "scopes":
		if scope := valueAt(form, field, rest); slices.Contains(form.OtherScopes(), scope) {
			field = "other_scopes"
		}
	}
	if first != "id" && !slices.Contains(productFields, first) {
		return "", ""
	}
	return field, rest
}

// valueAt is the line of a list that something is wrong with; rest is what
// comes after the field's name and a bracket: 2].
func valueAt(form page.ConsoleProductForm, field, rest string) string {
	number, _, _ := strings.Cut(rest, "]")
	i, err := strconv.Atoi(number)
	if err != nil {
		return ""
	}
	list := map[string][]string{
		"redirect_uris": form.RedirectURIs, "post_logout_redirect_uris": form.PostLogoutRedirectURIs, "companies": form.Companies, "people": form.People,
		"require_two_factors_of": form.TwoStepOf, "scopes": form.Scopes, "other_scopes": form.Scopes, "resources": form.Resources, "request_uris": form.RequestURIs,
		"token_exchange.impersonate": form.Impersonate, "token_exchange.delegate": form.Delegate, "contacts": form.Contacts, "default_acr_values": form.DefaultACRValues,
	}[field]
	if field == "roles" {
		for _, role := range form.Roles {
			list = append(list, role.ID)
		}
	}
	if i >= len(list) {
		return ""
	}
	return list[i]
}

func (a *Admin) showProductForm(v *visit, form page.ConsoleProductForm, wrong map[string]page.Text) (err error) {
	if form.Console, err = a.shell(v, "all-products"); err != nil {
		return err
	}
	form.APIScopes = session.AdminScopes()
	for level := policy.TwoSteps; level <= policy.HardwareKey; level++ {
		if level.ACR() == policy.HardwareKey.ACR() && !a.Sessions.Attests {
			continue // nobody could prove it
		}
		form.ACRs = append(form.ACRs, level.ACR())
	}
	known, err := a.Govern.Companies(v.Ctx(), v.by, govern.CompaniesFilter{Limit: knownCompanies})
	if err != nil {
		return err
	}
	if known.Next == "" {
		for _, c := range known.Companies {
			form.Known = append(form.Known, page.Option{Value: c.ID, Name: c.Name})
		}
	}
	a.Pages.Write(v.W, a.form(v, wrong), form)
	return nil
}
