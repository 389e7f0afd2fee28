package admin

import (
	"errors"
	"strings"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// companies lists the companies of the instance.
func (a *Admin) companies(v *visit) error {
	query := v.R.URL.Query()
	found, err := a.Govern.Companies(v.Ctx(), v.by, govern.CompaniesFilter{Search: query.Get("q"), After: query.Get("after")})
	if err != nil {
		return err
	}
	shell, err := a.shell(v, "companies")
	if err != nil {
		return err
	}
	p := page.ConsoleCompanies{Console: shell, List: page.List{Query: query, Total: found.Total, Next: found.Next}}
	for _, c := range found.Companies {
		p.Companies = append(p.Companies, page.CompanyLine{ID: c.ID, Name: c.Name, People: c.People, Owners: c.Owners, Plan: planOf(c.Plan), Created: c.CreatedAt})
	}
	f := a.Door().Frame(v.Visit, nil)
	if f.Notice, err = a.companyNotice(v); err != nil {
		return err
	}
	a.Pages.Write(v.W, f, p)
	return nil
}

// companyNotice says what was done to a company, by its id in the query.
func (a *Admin) companyNotice(v *visit) (*page.Text, error) {
	id := v.R.URL.Query().Get("id")
	switch v.R.URL.Query().Get("done") {
	case "added":
		c, err := a.Govern.Company(v.Ctx(), v.by, id)
		if err != nil {
			return nil, ignoreNotFound(err)
		}
		owners, err := a.DB.Owners(v.Ctx(), id)
		if err != nil {
			return nil, err
		}
		switch {
		case len(owners) == 0:
			return say("governing_done.company_alone", "Company", c.Name), nil
		case !a.Govern.MailGoesOut:
			return say("governing_done.company_uninvited", "Company", c.Name, "Email", owners[0].Email), nil
		}
		return say("instance_done.company_added", "Company", c.Name, "Email", owners[0].Email), nil
	case "saved":
		return say("instance_done.saved"), nil
	case "deleted":
		return deletedNotice(id), nil
	}
	return nil, nil
}

// planOf is a plan as pages show it.
func planOf(p policy.Plan) page.Plan {
	shown := page.Plan{All: p == nil}
	for _, m := range p {
		shown.Methods = append(shown.Methods, string(m))
	}
	return shown
}

// planMethods are the second factors that a plan can include.
var planMethods = []string{string(policy.WebAuthn), string(policy.TOTP), string(policy.SMS), string(policy.Email)}

func (a *Admin) newCompanyPage(v *visit) error {
	if err := a.Govern.Ask(v.Ctx(), v.by, govern.ChangeCompanies, "", ""); err != nil {
		return err
	}
	return a.showCompanyForm(v, page.ConsoleCompanyForm{New: true, Plan: page.Plan{All: true}}, nil)
}

func (a *Admin) newCompanyPost(v *visit) error {
	form := readCompanyForm(v)
	form.New = true
	plan, wrong := planEntered(form.Plan)
	if wrong != nil {
		return a.showCompanyForm(v, form, wrong)
	}
	_, err := a.Govern.CreateCompany(v.Ctx(), v.by, govern.NewCompany{ID: form.ID, Name: form.Name, Owner: form.Owner, Plan: plan})
	if wrong := companyProblems(err); wrong != nil {
		return a.showCompanyForm(v, form, wrong)
	}
	if err != nil {
		return err
	}
	return v.Redirect("/console/companies?done=added&id=" + form.ID)
}

func (a *Admin) editCompanyPage(v *visit) error {
	if err := a.Govern.Ask(v.Ctx(), v.by, govern.ChangeCompanies, v.company, ""); err != nil {
		return err
	}
	c, err := a.Govern.Company(v.Ctx(), v.by, v.company)
	if err != nil {
		return err
	}
	return a.showCompanyForm(v, page.ConsoleCompanyForm{ID: c.ID, Name: c.Name, Plan: planOf(c.Plan), People: c.People}, nil)
}

func (a *Admin) editCompanyPost(v *visit) error {
	c, err := a.Govern.Company(v.Ctx(), v.by, v.company)
	if err != nil {
		return err
	}
	form := readCompanyForm(v)
	form.ID, form.People = c.ID, c.People
	plan, wrong := planEntered(form.Plan)
	if wrong != nil {
		return a.showCompanyForm(v, form, wrong)
	}
	entry := apply.NewCompany()
	entry.ID, entry.Name, entry.Plan = c.ID, form.Name, plan
	_, err = a.Govern.ChangeCompany(v.Ctx(), v.by, entry, "name", "plan")
	if wrong := companyProblems(err); wrong != nil {
		return a.showCompanyForm(v, form, wrong)
	}
	if err != nil {
		return err
	}
	return v.Redirect("/console/companies?done=saved")
}

func readCompanyForm(v *visit) page.ConsoleCompanyForm {
	value := func(field string) string { return strings.TrimSpace(v.R.PostFormValue(field)) }
	form := page.ConsoleCompanyForm{ID: value("id"), Name: value("name"), Owner: value("owner")}
	switch v.R.PostFormValue("plan") {
	case "all":
		form.Plan.All = true
	case "some":
		form.Plan.Methods = v.R.PostForm["methods"]
		if form.Plan.Methods == nil {
			form.Plan.Methods = []string{}
		}
	}
	return form
}

// planEntered is the plan as an entry has it. A plan of some methods needs one.
func planEntered(p page.Plan) ([]policy.Method, map[string]page.Text) {
	switch {
	case p.All:
		return nil, nil
	case p.Methods == nil:
		return apply.PlanOf(policy.Plan{}), nil
	case len(p.Methods) == 0:
		return nil, map[string]page.Text{"methods": page.Say("problem.company.methods")}
	}
	var plan []policy.Method
	for _, m := range p.Methods {
		plan = append(plan, policy.Method(m))
	}
	return plan, nil
}

// companyProblems words what is wrong with a company, by the fields of its
// form.
func companyProblems(err error) map[string]page.Text {
	wrong, ok := errors.AsType[*apply.Problems](err)
	if !ok {
		return nil
	}
	all := problems(err)
	for _, p := range wrong.List {
		switch {
		case p.Field == "id":
			all["id"] = page.Say("problem.company.id")
		case p.Field == "" && p.Code == apply.CodeTaken:
			delete(all, "")
			all["id"] = page.Say("problem.company.id_taken")
		case p.Field == govern.OwnerField && p.Code == apply.CodeTaken:
			all[p.Field] = page.Say("problem.company_owner_taken")
		case p.Field == govern.OwnerField:
			all[p.Field] = page.Say("field_problem.form", "Remedy", page.Say("field_remedy.email"))
		case p.Field == "rules.methods":
			delete(all, p.Field)
			all["methods"] = page.Say("problem.company_plan_too_small")
		}
	}
	return all
}

func (a *Admin) showCompanyForm(v *visit, form page.ConsoleCompanyForm, wrong map[string]page.Text) (err error) {
	if form.Console, err = a.shell(v, "companies"); err != nil {
		return err
	}
	form.Offered = planMethods
	f := a.Door().Frame(v.Visit, nil)
	f.Problems = wrong
	a.Pages.Write(v.W, f, form)
	return nil
}

func (a *Admin) deleteCompanyPage(v *visit) error { return a.askDeleteCompany(v, nil) }

func (a *Admin) askDeleteCompany(v *visit, problem *page.Problem) error {
	if err := a.Govern.Ask(v.Ctx(), v.by, govern.ChangeCompanies, v.company, ""); err != nil {
		return err
	}
	c, err := a.Govern.Company(v.Ctx(), v.by, v.company)
	if err != nil {
		return err
	}
	return a.confirm(v, "companies", "delete_company", v.to("edit"), problem, "Company", c.Name)
}

func (a *Admin) deleteCompanyPost(v *visit) error {
	c, err := a.Govern.Company(v.Ctx(), v.by, v.company)
	if err != nil {
		return err
	}
	err = a.Govern.DeleteCompany(v.Ctx(), v.by, c.ID)
	if _, wrong := errors.AsType[*apply.Problems](err); wrong {
		t := firstOf(err)
		if c.People > 0 {
			t = page.Say("problem.company.people")
		}
		return a.askDeleteCompany(v, &page.Problem{Text: t})
	}
	if err != nil {
		return err
	}
	return v.Redirect("/console/companies?done=deleted&id=" + c.ID)
}
