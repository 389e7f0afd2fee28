package admin

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// activityShown is how many events a person's page shows.
const activityShown = 10

// person shows one person of a company.
func (a *Admin) person(v *visit) error { return a.showPerson(v, nil) }

// showPerson shows a person with what keeps something from being done.
func (a *Admin) showPerson(v *visit, problem *page.Problem) error {
	shell, err := a.shell(v, "people")
	if err != nil {
		return err
	}
	person, err := a.Govern.Person(v.Ctx(), v.by, v.company, v.id("person"))
	if err != nil {
		return err
	}
	p := page.ConsolePerson{
		Console: shell, ID: person.ID, Name: person.Name, Email: person.Email, EmailVerified: person.EmailConfirmed, Kind: person.Kind, Role: person.Role,
		TwoFactor: string(person.TwoFactor), Why: why(person.Demands), TwoStep: person.OwnTwoStep, TwoStepRequired: person.RequireTwoStep,
		BackupCodesLeft: person.BackupCodesLeft, BackupCodesOf: person.BackupCodesOf, BackupCodesMade: person.BackupCodesOf > 0,
		Created: person.CreatedAt, LastSignIn: person.LastSignInAt, Locked: person.ChangesLockedAt, Disabled: person.DisabledAt, NoPassword: !person.HasPassword,
		May: a.mayToPerson(v, person.Person), MoreURL: v.to("audit") + "?" + url.Values{"person": {person.Email}}.Encode(),
	}
	if person.Phone != "" {
		p.Phone = notify.MaskNumber(person.Phone)
	}
	for _, f := range person.Factors {
		p.Methods = append(p.Methods, page.PersonMethod{Method: f.Method, Name: f.Name, Added: f.CreatedAt, LastUsed: f.LastUsedAt, Uncounted: !f.Counts})
	}
	for _, s := range person.Sessions {
		p.Sessions = append(p.Sessions, page.Session{ID: s.ID, Device: page.Device(s.UserAgent), From: s.Address, SignedIn: s.CreatedAt, LastActive: s.LastSeenAt})
	}
	for _, product := range person.Products {
		shown := page.PersonProduct{ID: product.ID, Name: product.Name}
		for _, role := range product.Roles {
			shown.Roles = append(shown.Roles, page.GivenRole{ID: role.ID, Name: role.Name, Given: slices.Contains(person.Roles[product.ID], role.ID), ByKind: role.ByKind})
		}
		p.Products = append(p.Products, shown)
	}
	if p.Activity, err = a.activity(v, v.company, person.ID, activityShown); err != nil {
		return err
	}
	f := a.notice(v, a.Door().Frame(v.Visit, problem), "created", "invited", "saved", "require", "lift", "roles", "sessions", "invite", "confirm", "remind",
		"reset", "turn-off", "unlock", "disable", "enable")
	a.Pages.Write(v.W, f, p)
	return nil
}

// mayToPerson is what the page offers its reader.
func (a *Admin) mayToPerson(v *visit, p govern.Person) map[string]bool {
	change, self := v.rights.MayTo(govern.ChangePeople, v.company, p), p.ID == v.by.UserID
	mail := change && !p.Disabled && a.Govern.MailGoesOut
	return map[string]bool{
		"edit": change, "require": change && !(self && p.RequireTwoStep), "roles": change, "sessions": change, "unlock": change && !self && (!p.ChangesLocked || v.rights.MayTo(govern.AllowChanges, v.company, p)),
		"disable": change && !self && !p.Disabled, "enable": change && p.Disabled, "delete": change && !self,
		"invite": mail && !p.HasPassword, "confirm": mail && p.HasPassword, "remind": mail,
		"reset":    v.rights.MayTo(govern.ChangeFactors, v.company, p) && !self,
		"turn_off": v.rights.MayTo(govern.ChangeFactors, v.company, p),
		"recovery": v.rights.MayTo(govern.IssueRecovery, v.company, p) && !p.Disabled,
	}
}

// why says who demands a second factor of a person.
func why(demands []policy.Demand) (all []page.Text) {
	for _, d := range demands {
		id := map[policy.ReasonCode]string{
			policy.ByPerson: "demand.own", policy.ByAdministrator: "demand.administrator", policy.ByCompany: "demand.company", policy.ByNetwork: "demand.network",
		}[d.Reason.Code]
		switch {
		case id == "":
		case !d.Until.IsZero():
			all = append(all, page.Say("demand.until", "Why", page.Say(id, "Company", d.Reason.Who), "Until", d.Until))
		default:
			all = append(all, page.Say(id, "Company", d.Reason.Who))
		}
	}
	return all
}

// productRolesPost gives a person the roles that are ticked, in the products
// that are open to them.
func (a *Admin) productRolesPost(v *visit) error {
	if err := v.R.ParseForm(); err != nil {
		return err
	}
	person, err := a.Govern.Person(v.Ctx(), v.by, v.company, v.id("person"))
	if err != nil {
		return err
	}
	// Boxes there are for roles that a product defines, and the kind of which
	// doesn't have them anyway.
	given := make(map[string][]string)
	for _, p := range person.Products {
		if len(p.Roles) == 0 {
			continue
		}
		given[p.ID] = []string{}
		for _, role := range p.Roles {
			if role.ByKind && slices.Contains(person.Roles[p.ID], role.ID) {
				given[p.ID] = append(given[p.ID], role.ID)
			}
		}
	}
	for _, ticked := range v.R.PostForm["role"] {
		product, role, _ := strings.Cut(ticked, " ")
		given[product] = append(given[product], role)
	}
	if err := a.Govern.GiveRoles(v.Ctx(), v.by, v.company, person.ID, given); err != nil {
		return err
	}
	return v.done(v.to("people", person.ID), "roles")
}

// endSessionsPost signs a person out of one session, or everywhere.
func (a *Admin) endSessionsPost(v *visit) error {
	id := v.R.PostFormValue("id")
	if v.R.PostFormValue("all") == "1" {
		id = ""
	} else if id == "" {
		return v.Redirect(v.to("people", v.id("person")))
	}
	if _, err := a.Govern.EndSessions(v.Ctx(), v.by, v.company, v.id("person"), id); err != nil {
		return err
	}
	return v.done(v.to("people", v.id("person")), "sessions")
}

// mails are what can be sent to a person by a button.
var mails = map[string]bool{"invite": true, "confirm": true, "remind": true}

func (a *Admin) mailPost(v *visit) error {
	what := lastPart(v.R.URL.Path)
	var err error
	if what == "remind" {
		err = a.Govern.SendReminder(v.Ctx(), v.by, v.company, v.id("person"))
	} else {
		_, err = a.Govern.SendActivation(v.Ctx(), v.by, v.company, v.id("person"))
	}
	if refused, ok := errors.AsType[*govern.Refused](err); ok && refused.Code != "role" {
		return a.showPerson(v, &page.Problem{Text: page.Say("console.refused_" + refused.Code + ".body")})
	}
	if _, tooMany := errors.AsType[*storage.QuotaError](err); tooMany {
		return a.showPerson(v, &page.Problem{Text: page.Say("problem.console_too_many")})
	}
	if err != nil {
		return err
	}
	return v.done(v.to("people", v.id("person")), what)
}

func lastPart(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
