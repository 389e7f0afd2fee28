package admin

import "github.com/go-chi/chi/v5"

// companyRoutes are the pages of a company.
func (a *Admin) companyRoutes(r chi.Router) {
	r.Route("/console/companies/{company}", func(r chi.Router) {
		r.Get("/people", a.page(a.people))
		r.Get("/people/new", a.page(a.newPersonPage))
		r.Post("/people/new", a.page(a.newPersonPost))
		r.Get("/people/{person}", a.page(a.person))
		r.Get("/people/{person}/edit", a.page(a.editPersonPage))
		r.Post("/people/{person}/edit", a.page(a.editPersonPost))
		r.Post("/people/{person}/roles", a.page(a.productRolesPost))
		r.Post("/people/{person}/sessions/end", a.page(a.endSessionsPost))
		for mail := range mails {
			r.Post("/people/{person}/"+mail, a.page(a.mailPost))
		}
		for deed := range deeds {
			r.Get("/people/{person}/"+deed, a.page(a.deedPage))
			r.Post("/people/{person}/"+deed, a.page(a.deedPost))
		}
		a.rulesRoutes(r)
		a.companyProductRoutes(r)
	})
}
