package admin

import (
	"github.com/sallyport-id/sallyport/login/admin/govern"
)

func (a *API) companyProductRoutes() []route {
	const all = "/companies/{company}/products"
	return []route{
		{method: "GET", path: all, serve: a.companyProducts},
		{method: "PATCH", path: all + "/{product}", serve: a.changeCompanyProduct},
	}
}

func (a *API) companyProducts(c *call) (answer, error) {
	all, err := a.Govern.CompanyProducts(c.ctx(), c.by, c.company())
	if err != nil {
		return answer{}, err
	}
	return shown(listed[govern.CompanyProduct]{Items: all})
}

// changeCompanyProduct changes what is the company's to say about a product.
func (a *API) changeCompanyProduct(c *call) (answer, error) {
	var w struct {
		Always bool `json:"always_two_factors"`
	}
	mentioned, err := c.decode(&w)
	if err == nil && len(mentioned) == 0 {
		err = wrongField("always_two_factors", "missing", "is missing", "write true or false")
	}
	if err != nil {
		return answer{}, err
	}
	if err := a.Govern.RequireTwoFactorsFor(c.ctx(), c.by, c.company(), c.id("product"), w.Always); err != nil {
		return answer{}, err
	}
	return noContent()
}
