package admin

import "github.com/go-chi/chi/v5"

// rulesRoutes are the pages of a company about its rules, about many people at
// once, and about tasks.
func (a *Admin) rulesRoutes(r chi.Router) {
	r.Get("/requirements", a.page(a.requirementsPage))
	r.Post("/requirements", a.page(a.requirementsPost))
	r.Get("/networks", a.page(a.networksPage))
	r.Post("/networks", a.page(a.networksPost))
	r.Post("/people/bulk", a.page(a.bulkPost))
	r.Get("/people/import", a.page(a.importPage))
	r.Post("/people/import", a.page(a.importPost))
	r.Get("/people/export", a.page(a.exportPeople))
	r.Get("/tasks/{task}", a.page(a.task))
	r.Post("/tasks/{task}/cancel", a.page(a.cancelTask))
}
