package admin

import (
	"slices"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/page"
)

// products lists the products of the instance.
func (a *Admin) products(v *visit) error {
	query := v.R.URL.Query()
	found, err := a.Govern.Products(v.Ctx(), v.by, govern.ProductsFilter{Search: query.Get("q"), After: query.Get("after")})
	if err != nil {
		return err
	}
	shell, err := a.shell(v, "all-products")
	if err != nil {
		return err
	}
	p := page.ConsoleProducts{Console: shell, List: page.List{Query: query, Total: found.Total, Next: found.Next}}
	for _, product := range found.Products {
		access, twoStep := a.accessOf(v, product), a.twoStepOf(v, product)
		p.Products = append(p.Products, page.ProductLine{
			ID: product.ID, Name: product.Name, Type: typeOf(product), Access: access, TwoStep: twoStep, LastUse: product.LastUsedAt,
		})
	}
	f := a.Door().Frame(v.Visit, nil)
	if query.Get("done") == "deleted" {
		f.Notice = deletedNotice(query.Get("id"))
	}
	a.Pages.Write(v.W, f, p)
	return nil
}

// typeOf is what a product is to the protocol.
func typeOf(p govern.Product) page.ProductType {
	switch {
	case slices.Contains(p.GrantTypes, session.ClientCredentials) && !session.SignsIn(p.GrantTypes):
		return page.MachineProduct
	case p.Native:
		return page.NativeProduct
	case p.AuthMethod == "none":
		return page.PublicProduct
	}
	return page.ConfidentialProduct
}

// accessOf says who may use a product.
func (a *Admin) accessOf(v *visit, p govern.Product) page.ProductAccess {
	return page.ProductAccess{Companies: a.companyNames(v, p.Companies), Kinds: p.Kinds, People: len(p.People)}
}

// twoStepOf says what it takes to enter a product.
func (a *Admin) twoStepOf(v *visit, p govern.Product) page.ProductTwoStep {
	return page.ProductTwoStep{Required: p.RequireTwoFactors, Of: a.companyNames(v, p.RequireTwoFactorsOf), MinACR: p.MinACR}
}

// companyNames are the names of companies, or the ids of those that are gone.
func (a *Admin) companyNames(v *visit, ids []string) (names []string) {
	for _, id := range ids {
		name := id
		if c, err := a.DB.Org(v.Ctx(), id); err == nil {
			name = c.Name
		}
		names = append(names, name)
	}
	return names
}
