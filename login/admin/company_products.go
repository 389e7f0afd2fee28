package admin

import (
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/page"
)

// companyProducts lists the products open to a company.
func (a *Admin) companyProducts(v *visit) error {
	found, err := a.Govern.CompanyProducts(v.Ctx(), v.by, v.company)
	if err != nil {
		return err
	}
	shell, err := a.shell(v, "products")
	if err != nil {
		return err
	}
	p := page.ConsoleCompanyProducts{Console: shell, May: map[string]bool{"change": v.rights.May(govern.ChangeRules, v.company)}}
	for _, product := range found {
		shown := page.CompanyProduct{
			ID: product.ID, Name: product.Name, Kinds: product.Kinds, People: product.People,
			AlwaysByOperator: product.AlwaysByOperator, AlwaysByCompany: product.AlwaysByCompany, WithRoles: product.WithRoles,
		}
		for _, role := range product.Roles {
			name := role.Name
			if name == "" {
				name = role.ID
			}
			shown.Roles = append(shown.Roles, name)
		}
		p.Products = append(p.Products, shown)
	}
	f := a.Door().Frame(v.Visit, nil)
	if v.R.URL.Query().Get("done") == "saved" {
		f.Notice = say("instance_done.saved")
	}
	a.Pages.Write(v.W, f, p)
	return nil
}

// alwaysPost says whether a product always needs two factors of the company's
// people.
func (a *Admin) alwaysPost(v *visit) error {
	always := v.R.PostFormValue("always")
	if always != "0" && always != "1" {
		return v.Redirect(v.to("products"))
	}
	if err := a.Govern.RequireTwoFactorsFor(v.Ctx(), v.by, v.company, v.id("product"), always == "1"); err != nil {
		return err
	}
	return v.done(v.to("products"), "saved")
}
