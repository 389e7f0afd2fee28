package admin

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/sallyport-id/sallyport/login/page"
)

// instanceRoutes are the pages of the whole instance, for its operator.
func (a *Admin) instanceRoutes(r chi.Router) {
	r.Get("/console/companies", a.page(a.companies))
	r.Get("/console/companies/new", a.page(a.newCompanyPage))
	r.Post("/console/companies/new", a.page(a.newCompanyPost))
	r.Get("/console/products", a.page(a.products))
	r.Get("/console/products/new", a.page(a.newProductPage))
	r.Post("/console/products/new", a.page(a.newProductPost))
	r.Get("/console/products/{product}", a.page(a.product))
	r.Get("/console/products/{product}/edit", a.page(a.editProductPage))
	r.Post("/console/products/{product}/edit", a.page(a.editProductPost))
	r.Get("/console/products/{product}/secret", a.back(func(v *visit) string { return page.Console{}.Instance("products", v.id("product")) }))
	r.Post("/console/products/{product}/secret", a.page(a.rotateSecretPost))
	r.Get("/console/products/{product}/delete", a.page(a.deleteProductPage))
	r.Post("/console/products/{product}/delete", a.page(a.deleteProductPost))
	r.Get("/console/keys", a.page(a.keys))
	r.Get("/console/keys/rotate", a.page(a.rotateKeysPage))
	r.Post("/console/keys/rotate", a.page(a.rotateKeysPost))
	r.Get("/console/keys/leaked", a.page(a.dropKeysPage))
	r.Post("/console/keys/leaked", a.page(a.dropKeysPost))
	r.Get("/console/delivery", a.page(a.delivery))
	for _, form := range []string{"/console/delivery/test", "/console/delivery/{message}/retry", "/console/delivery/{message}/drop"} {
		r.Get(form, a.back(func(*visit) string { return "/console/delivery" }))
	}
	r.Post("/console/delivery/test", a.page(a.sendTestPost))
	r.Post("/console/delivery/{message}/retry", a.page(a.retryPost))
	r.Post("/console/delivery/{message}/drop", a.page(a.dropPost))
	r.Get("/console/audit", a.page(a.audit))
	r.Get("/console/audit/export", a.page(a.exportAudit))
}

// companyProductRoutes are the pages of a company beside those of its people
// and requirements.
func (a *Admin) companyProductRoutes(r chi.Router) {
	r.Get("/edit", a.page(a.editCompanyPage))
	r.Post("/edit", a.page(a.editCompanyPost))
	r.Get("/delete", a.page(a.deleteCompanyPage))
	r.Post("/delete", a.page(a.deleteCompanyPost))
	r.Get("/products", a.page(a.companyProducts))
	r.Get("/products/{product}", a.back(func(v *visit) string { return v.to("products") }))
	r.Post("/products/{product}", a.page(a.alwaysPost))
	r.Get("/api-clients", a.page(a.apiClients))
	r.Get("/api-clients/new", a.page(a.newAPIClientPage))
	r.Post("/api-clients/new", a.page(a.newAPIClientPost))
	r.Get("/api-clients/{client}/secret", a.page(a.apiClientSecret))
	r.Post("/api-clients/{client}/secret", a.page(a.rotateAPIClientPost))
	r.Get("/api-clients/{client}/delete", a.page(a.deleteAPIClientPage))
	r.Post("/api-clients/{client}/delete", a.page(a.deleteAPIClientPost))
	r.Get("/audit", a.page(a.audit))
	r.Get("/audit/export", a.page(a.exportAudit))
}

// back is where a form went that stands on another page: whoever had to sign in
// on the way is led to that page.
func (a *Admin) back(to func(*visit) string) http.HandlerFunc {
	return a.page(func(v *visit) error { return v.Redirect(to(v)) })
}
