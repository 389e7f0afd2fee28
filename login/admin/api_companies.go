package admin

import (
	"fmt"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/storage/apply"
)

func (a *API) companyRoutes() []route {
	const one = "/companies/{company}"
	return []route{
		{method: "GET", path: "/companies", serve: a.companies, query: append([]string{"search"}, paging...)},
		{method: "POST", path: "/companies", serve: a.createCompany, creates: true},
		{method: "GET", path: one, serve: a.company},
		{method: "PATCH", path: one, serve: a.changeCompany},
		{method: "DELETE", path: one, serve: a.deleteCompany},
	}
}

func (a *API) companies(c *call) (answer, error) {
	after, limit, err := c.page()
	if err != nil {
		return answer{}, err
	}
	page, err := a.Govern.Companies(c.ctx(), c.by, govern.CompaniesFilter{Search: c.r.URL.Query().Get("search"), After: after, Limit: limit})
	if err != nil {
		return answer{}, err
	}
	return shown(listed[govern.Company]{Items: page.Companies, Next: c.next(page.Next)})
}

// companyWritten is what can be said of a company. A plan of null is all second
// factors, and an empty one none.
type companyWritten struct {
	ID    string      `json:"id"`
	Name  string      `json:"name"`
	Plan  policy.Plan `json:"plan"`
	Owner string      `json:"owner"`
}

func (w companyWritten) plan() ([]policy.Method, error) {
	for i, m := range w.Plan {
		if m == "none" { // in a file it stands for an empty plan
			return nil, wrongField(fmt.Sprintf("plan[%d]", i), "not_allowed", `is "none"`, "write [] for no second factor")
		}
	}
	return apply.PlanOf(w.Plan), nil
}

func (a *API) createCompany(c *call) (answer, error) {
	var w companyWritten
	if _, err := c.decode(&w); err != nil {
		return answer{}, err
	}
	plan, err := w.plan()
	if err != nil {
		return answer{}, err
	}
	made, err := a.Govern.CreateCompany(c.ctx(), c.by, govern.NewCompany{ID: w.ID, Name: w.Name, Plan: plan, Owner: w.Owner})
	if err != nil {
		return answer{}, named("id", err)
	}
	return createdAt(made, "companies", made.ID)
}

func (a *API) company(c *call) (answer, error) {
	found, err := a.Govern.Company(c.ctx(), c.by, c.company())
	if err != nil {
		return answer{}, err
	}
	return shown(found)
}

func (a *API) changeCompany(c *call) (answer, error) {
	var w struct {
		Name string      `json:"name"`
		Plan policy.Plan `json:"plan"`
	}
	mentioned, err := c.decode(&w)
	if err != nil {
		return answer{}, err
	}
	plan, err := companyWritten{Plan: w.Plan}.plan()
	if err != nil {
		return answer{}, err
	}
	now, err := a.Govern.ChangeCompany(c.ctx(), c.by, apply.Company{ID: c.company(), Name: w.Name, Plan: plan}, mentioned...)
	if err != nil {
		return answer{}, err
	}
	return shown(now)
}

func (a *API) deleteCompany(c *call) (answer, error) {
	if err := a.Govern.DeleteCompany(c.ctx(), c.by, c.company()); err != nil {
		return answer{}, err
	}
	return noContent()
}
