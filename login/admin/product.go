package admin

import (
	"context"
	"errors"

	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// product shows one product to the operator.
func (a *Admin) product(v *visit) error {
	product, err := a.Govern.Product(v.Ctx(), v.by, v.id("product"))
	if err != nil {
		return err
	}
	shell, err := a.shell(v, "all-products")
	if err != nil {
		return err
	}
	made, err := a.freshSecret(v, product.ID)
	if err != nil {
		return err
	}
	p := page.ConsoleProduct{
		Console: shell, ID: product.ID, Name: product.Name, Type: typeOf(product), Secret: made.Secret, OldSecretUntil: product.OldSecretUntil,
		AuthMethod: product.AuthMethod, IDTokenAlg: product.IDTokenAlg, PKCEOptional: product.PKCE == "optional", FirstParty: product.FirstParty,
		RedirectURIs: product.RedirectURIs, PostLogoutRedirectURIs: product.PostLogoutRedirectURIs, BackchannelLogoutURI: product.BackchannelLogoutURI,
		GrantTypes: product.GrantTypes, Scopes: product.Scopes, PolicyURI: product.PolicyURI, TermsURI: product.TermsURI,
		Access: a.accessOf(v, product), TwoStep: a.twoStepOf(v, product), Created: product.CreatedAt, LastUse: product.LastUsedAt, Issuer: a.Issuer,
	}
	p.Protocol = protocolFormOf(product.Product)
	p.Protocol.JWKS = product.JWKS.String()
	if product.Company != "" {
		p.ActsFor = a.companyNames(v, []string{product.Company})[0]
	}
	for _, role := range product.Roles {
		p.Roles = append(p.Roles, page.ProductRoleCount{ProductRole: page.ProductRole(role), People: product.RolePeople[role.ID]})
	}
	p.Snippets = a.snippets(product)
	f := a.Door().Frame(v.Visit, nil)
	switch v.R.URL.Query().Get("done") {
	case "added":
		f.Notice = say("instance_done.product_added", "Product", product.Name)
	case "saved":
		f.Notice = say("instance_done.saved")
	case "secret":
		f.Notice = say("instance_done.secret")
	}
	a.Pages.Write(v.W, f, p)
	return nil
}

// snippets are code that signs people in to a product, or gets an API client a
// token, by a secret or by none.
func (a *Admin) snippets(p govern.Product) []page.Snippet {
	switch {
	case typeOf(p) == page.MachineProduct && (p.Company == "" || !p.HasSecret()):
		return nil
	case typeOf(p) == page.MachineProduct:
		return []page.Snippet{{Language: "sh", Title: "curl", Code: page.APIClientExample(a.Issuer, p.ID, p.Company, p.Scopes)}}
	case len(p.RedirectURIs) == 0 || p.AuthMethod != storage.AuthNone && p.AuthMethod != storage.ClientSecretBasic && p.AuthMethod != storage.ClientSecretPost:
		return nil // code that reads a secret would mislead who has none
	}
	return page.Integration{
		Issuer: a.Issuer, ClientID: p.ID, AuthMethod: p.AuthMethod, RedirectURI: p.RedirectURIs[0], Alg: p.IDTokenAlg, Scopes: p.Scopes, StepUp: !p.RequireTwoFactors,
	}.Snippets()
}

// rotateSecretPost gives a product another secret.
func (a *Admin) rotateSecretPost(v *visit) error {
	id := v.id("product")
	at := page.Console{}.Instance("products", id)
	overlap, offered := overlaps[v.R.PostFormValue("overlap")]
	if !offered {
		return v.Redirect(at)
	}
	err := a.makingSecret(v, id, func(ctx context.Context) (govern.Rotated, error) {
		return a.Govern.RotateSecret(ctx, v.by, id, overlap)
	})
	if errors.Is(err, storage.ErrNoSecret) {
		return v.Redirect(at)
	}
	if err != nil {
		return err
	}
	return v.done(at, "secret")
}

func (a *Admin) deleteProductPage(v *visit) error { return a.askDeleteProduct(v, nil) }

func (a *Admin) askDeleteProduct(v *visit, problem *page.Problem) error {
	if err := a.Govern.Ask(v.Ctx(), v.by, govern.ChangeProducts, "", ""); err != nil {
		return err
	}
	product, err := a.Govern.Product(v.Ctx(), v.by, v.id("product"))
	if err != nil {
		return err
	}
	return a.confirm(v, "all-products", "delete_product", page.Console{}.Instance("products", product.ID), problem, "Product", product.Name)
}

func (a *Admin) deleteProductPost(v *visit) error {
	id := v.id("product")
	err := a.Govern.DeleteProduct(v.Ctx(), v.by, id)
	if wrong := problems(err); wrong != nil {
		return a.askDeleteProduct(v, &page.Problem{Text: firstOf(err)})
	}
	if err != nil {
		return err
	}
	return v.Redirect("/console/products?done=deleted&id=" + id)
}
