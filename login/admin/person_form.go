package admin

import (
	"errors"
	"strings"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

func (a *Admin) newPersonPage(v *visit) error {
	if err := a.Govern.Ask(v.Ctx(), v.by, govern.ChangePeople, v.company, ""); err != nil {
		return err
	}
	return a.showPersonForm(v, page.ConsolePersonForm{Kind: policy.Staff, Role: policy.Member, Invite: a.Govern.MailGoesOut}, nil)
}

func (a *Admin) newPersonPost(v *visit) error {
	form := a.personForm(v)
	form.TwoStep, form.Invite = v.R.PostFormValue("two_step") == "1", v.R.PostFormValue("invite") == "1"
	entry := apply.NewPerson()
	fill(&entry, form)
	entry.Email, entry.RequireTwoStep = form.Email, form.TwoStep
	p, err := a.Govern.CreatePerson(v.Ctx(), v.by, v.company, govern.NewPerson{Entry: entry, Invite: form.Invite})
	if errors.Is(err, govern.ErrNotFresh) {
		return a.confirmFirst(v, form)
	}
	if again, answered := a.personProblems(v, form, err); answered {
		return again
	}
	if err != nil {
		return err
	}
	if form.Invite {
		return v.done(v.to("people", p.ID), "invited")
	}
	return v.done(v.to("people", p.ID), "created")
}

func (a *Admin) editPersonPage(v *visit) error {
	p, err := a.Govern.Person(v.Ctx(), v.by, v.company, v.id("person"))
	if err != nil {
		return err
	}
	// Who may change the address proves a second factor before there is a form
	// to lose.
	do := govern.ChangePeople
	if v.rights.MayTo(govern.ChangeAddress, v.company, p.Person) {
		do = govern.ChangeAddress
	}
	if err := a.Govern.Ask(v.Ctx(), v.by, do, v.company, p.ID); err != nil {
		return err
	}
	return a.showPersonForm(v, page.ConsolePersonForm{
		ID: p.ID, Email: p.Email, Name: p.Name, GivenName: p.GivenName, FamilyName: p.FamilyName, Kind: p.Kind, Role: p.Role, Phone: p.Phone, Language: p.Language,
		FixedEmail: !v.rights.MayTo(govern.ChangeAddress, v.company, p.Person),
	}, nil)
}

// editPersonPost saves what was changed. Another role or address takes a second
// factor proved just now: the form is drawn again for that, with all that was
// typed.
func (a *Admin) editPersonPost(v *visit) error {
	form := a.personForm(v)
	form.ID = v.id("person")
	was, err := a.Govern.Person(v.Ctx(), v.by, v.company, form.ID)
	if err != nil {
		return err
	}
	form.FixedEmail = !v.rights.MayTo(govern.ChangeAddress, v.company, was.Person)
	if form.FixedEmail {
		form.Email = was.Email
	}
	if form.Role == "" {
		form.Role = was.Role
	}
	entry := apply.Person{}
	fill(&entry, form)
	err = a.Govern.EditPerson(v.Ctx(), v.by, v.company, form.ID, entry, form.Email, personFields...)
	if errors.Is(err, govern.ErrNotFresh) {
		return a.confirmFirst(v, form)
	}
	if again, answered := a.personProblems(v, form, err); answered {
		return again
	}
	if err != nil {
		return err
	}
	return v.done(v.to("people", form.ID), "saved")
}

// confirmFirst draws the form again, with the way to prove a second factor
// beside it.
func (a *Admin) confirmFirst(v *visit, form page.ConsolePersonForm) error {
	return a.drawPersonForm(v, form, a.form(v, map[string]page.Text{"": page.Say(notFresh)}))
}

// personFields are those of the form, by their names in a file.
var personFields = []string{"name", "given_name", "family_name", "locale", "phone", "kind", "role"}

func (a *Admin) personForm(v *visit) page.ConsolePersonForm {
	value := func(name string) string { return strings.TrimSpace(v.R.PostFormValue(name)) }
	return page.ConsolePersonForm{
		Email: value("email"), Name: value("name"), GivenName: value("given_name"), FamilyName: value("family_name"), Kind: value("kind"), Role: value("role"),
		Phone: strings.ReplaceAll(value("phone"), " ", ""), Language: value("language"),
	}
}

func fill(entry *apply.Person, form page.ConsolePersonForm) {
	entry.Name, entry.GivenName, entry.FamilyName, entry.Locale = form.Name, form.GivenName, form.FamilyName, form.Language
	entry.Phone, entry.Kind, entry.Role = form.Phone, form.Kind, form.Role
	if entry.Role == "" {
		entry.Role = policy.Member
	}
}

// personProblems draws the form again with what is wrong, if that is for the
// form to say.
func (a *Admin) personProblems(v *visit, form page.ConsolePersonForm, err error) (again error, answered bool) {
	if wrong, ok := errors.AsType[*apply.Problems](err); ok {
		return a.showPersonForm(v, form, problems(wrong)), true
	}
	if errors.Is(err, storage.ErrTaken) {
		return a.showPersonForm(v, form, map[string]page.Text{"email": page.Say("field_problem.taken")}), true
	}
	if refused, ok := errors.AsType[*govern.Refused](err); ok && refused.Code != "gone" {
		return a.drawPersonForm(v, form, a.Door().Frame(v.Visit, &page.Problem{Text: page.Say("console.refused_" + refused.Code + ".body")})), true
	}
	return nil, false
}

func (a *Admin) showPersonForm(v *visit, form page.ConsolePersonForm, wrong map[string]page.Text) error {
	return a.drawPersonForm(v, form, a.form(v, wrong))
}

func (a *Admin) drawPersonForm(v *visit, form page.ConsolePersonForm, f page.Frame) (err error) {
	if form.Console, err = a.shell(v, "people"); err != nil {
		return err
	}
	form.Roles = []string{policy.Member}
	if v.rights.May(govern.ChangeRole, v.company) && form.ID != v.by.UserID {
		form.Roles = []string{policy.Member, policy.Administrator, policy.Owner}
	}
	a.Pages.Write(v.W, f, form)
	return nil
}
