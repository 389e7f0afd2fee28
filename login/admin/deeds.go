package admin

import (
	"errors"

	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// deed is something done to a person after a page has said what will happen:
// the messages deed.NAME.heading, .body and .button.
type deed struct {
	action govern.Action
	// locked is asked for besides, where "This wasn't me" locked their changes.
	locked govern.Action
	danger bool
	do     func(*Admin, *visit, string) error
	// gone: there is no page of the person to come back to.
	gone bool
	// shows its own page in place of coming back.
	shows bool
}

// deeds by their address below a person's.
var deeds = map[string]deed{
	"recovery": {action: govern.IssueRecovery, do: (*Admin).issueRecovery, shows: true},
	"require": {action: govern.ChangePeople, do: func(a *Admin, v *visit, id string) error {
		_, err := a.Govern.RequireTwoStep(v.Ctx(), v.by, v.company, id, true)
		return err
	}},
	"lift": {action: govern.ChangePeople, do: func(a *Admin, v *visit, id string) error {
		_, err := a.Govern.RequireTwoStep(v.Ctx(), v.by, v.company, id, false)
		return err
	}},
	"reset": {action: govern.ChangeFactors, danger: true, do: func(a *Admin, v *visit, id string) error {
		_, err := a.Govern.ResetFactors(v.Ctx(), v.by, v.company, id)
		return err
	}},
	"turn-off": {action: govern.ChangeFactors, danger: true, do: func(a *Admin, v *visit, id string) error {
		return a.Govern.TurnOffTwoStep(v.Ctx(), v.by, v.company, id)
	}},
	"unlock": {action: govern.ChangePeople, locked: govern.AllowChanges, do: func(a *Admin, v *visit, id string) error {
		_, err := a.Govern.UnlockPerson(v.Ctx(), v.by, v.company, id)
		return err
	}},
	"disable": {action: govern.ChangePeople, danger: true, do: func(a *Admin, v *visit, id string) error {
		_, err := a.Govern.DisablePerson(v.Ctx(), v.by, v.company, id)
		return err
	}},
	"enable": {action: govern.ChangePeople, do: func(a *Admin, v *visit, id string) error {
		_, err := a.Govern.EnablePerson(v.Ctx(), v.by, v.company, id)
		return err
	}},
	"delete": {action: govern.ChangePeople, danger: true, gone: true, do: func(a *Admin, v *visit, id string) error {
		return a.Govern.DeletePerson(v.Ctx(), v.by, v.company, id)
	}},
}

// deedPage says what will happen. What takes a second factor proved just now
// asks for it here, before there is a form to lose.
func (a *Admin) deedPage(v *visit) error { return a.showDeed(v, nil) }

func (a *Admin) showDeed(v *visit, problem *page.Problem) error {
	name := lastPart(v.R.URL.Path)
	if err := a.Govern.Ask(v.Ctx(), v.by, deeds[name].action, v.company, v.id("person")); err != nil {
		return err
	}
	shell, err := a.shell(v, "people")
	if err != nil {
		return err
	}
	person, err := a.Govern.Person(v.Ctx(), v.by, v.company, v.id("person"))
	if err != nil {
		return err
	}
	if also := deeds[name].locked; also != "" && person.ChangesLocked {
		if err := a.Govern.Ask(v.Ctx(), v.by, also, v.company, person.ID); err != nil {
			return err
		}
	}
	who := person.Name
	if who == "" {
		who = person.Email
	}
	return a.show(v, page.ConsoleConfirm{
		Console: shell, Heading: page.Say("deed."+name+".heading", "Person", who), Body: []page.Text{page.Say("deed."+name+".body", "Person", who)},
		Button: page.Say("deed." + name + ".button"), Danger: deeds[name].danger, BackURL: v.to("people", person.ID),
	}, problem)
}

func (a *Admin) deedPost(v *visit) error {
	name := lastPart(v.R.URL.Path)
	deed, id := deeds[name], v.id("person")
	err := deed.do(a, v, id)
	if refused, ok := errors.AsType[*govern.Refused](err); ok && refused.Code != "role" && refused.Code != "gone" {
		return a.showDeed(v, &page.Problem{Text: page.Say("console.refused_" + refused.Code + ".body")})
	}
	if wrong, ok := errors.AsType[*apply.Problems](err); ok {
		return a.showDeed(v, &page.Problem{Text: firstOf(wrong)})
	}
	switch {
	case err != nil:
		return err
	case deed.shows:
		return nil
	case deed.gone:
		return v.done(v.to("people"), "deleted")
	}
	return v.done(v.to("people", id), name)
}

// issueRecovery shows the code once: loading the page again by GET asks anew,
// and a new code takes the place of this one.
func (a *Admin) issueRecovery(v *visit, id string) error {
	shell, err := a.shell(v, "people")
	if err != nil {
		return err
	}
	r, err := a.Govern.IssueRecoveryCode(v.Ctx(), v.by, v.company, id)
	if err != nil {
		return err
	}
	return a.show(v, page.ConsoleRecoveryIssued{
		Console: shell, Code: r.Code, Person: r.Person.Name, Email: r.Person.Email, Until: r.Until, BackURL: v.to("people", id),
	}, nil)
}
