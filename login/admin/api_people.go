package admin

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

const (
	peoplePath = "/companies/{company}/people"
	personPath = peoplePath + "/{person}"
)

func (a *API) peopleRoutes() []route {
	return []route{
		{method: "GET", path: peoplePath, serve: a.people, query: slices.Concat(apiPeopleFilters, paging)},
		{method: "POST", path: peoplePath, serve: a.createPerson, creates: true},
		{method: "GET", path: peoplePath + "/counts", serve: a.peopleCounts},
		{method: "GET", path: peoplePath + "/export", serve: a.exportPeople, query: apiPeopleFilters},
		{method: "POST", path: peoplePath + "/import", serve: a.importPeople, creates: true, most: maxImport, media: "text/csv", query: []string{"invite"}},
		{method: "POST", path: peoplePath + "/import/preview", serve: a.previewImport, most: maxImport, media: "text/csv"},
		{method: "POST", path: peoplePath + "/bulk", serve: a.bulk, creates: true},
		{method: "POST", path: peoplePath + "/bulk/preview", serve: a.previewBulk},
		{method: "GET", path: personPath, serve: a.person},
		{method: "PATCH", path: personPath, serve: a.changePerson},
		{method: "DELETE", path: personPath, serve: a.deletePerson},
		{method: "POST", path: personPath + "/activation", serve: a.sendActivation},
		{method: "POST", path: personPath + "/reminder", serve: a.sendReminder},
		{method: "POST", path: personPath + "/unlock", serve: a.unlockPerson},
		{method: "DELETE", path: personPath + "/sessions", serve: a.endSessions},
		{method: "DELETE", path: personPath + "/sessions/{session}", serve: a.endSession},
		{method: "DELETE", path: personPath + "/two-step", serve: a.turnOffTwoStep},
		{method: "DELETE", path: personPath + "/factors", serve: a.resetFactors},
		{method: "POST", path: personPath + "/recovery-code", serve: a.issueRecoveryCode, creates: true},
	}
}

// apiPeopleFilters are the parameters that narrow a list of people.
var apiPeopleFilters = []string{"search", "two_factor", "kind", "role", "email", "status"}

// filter reads which people are meant.
func (c *call) filter() (f govern.PeopleFilter, err error) {
	two, err1 := c.choice("two_factor", string(policy.StateOn), string(policy.StatePending), string(policy.StateOff))
	kind, err2 := c.choice("kind", policy.Staff, policy.Client)
	role, err3 := c.choice("role", policy.Member, policy.Administrator, policy.Owner)
	email, err4 := c.choice("email", "unconfirmed")
	status, err5 := c.choice("status", "enabled", "disabled")
	return govern.PeopleFilter{
		Search: c.r.URL.Query().Get("search"), TwoFactor: policy.State(two), Kind: kind, Role: role, Unconfirmed: email != "", Status: status,
	}, cmp.Or(err1, err2, err3, err4, err5)
}

func (a *API) people(c *call) (answer, error) {
	f, err := c.filter()
	if err == nil {
		f.After, f.Limit, err = c.page()
	}
	if err != nil {
		return answer{}, err
	}
	page, err := a.Govern.People(c.ctx(), c.by, c.company(), f)
	if err != nil {
		return answer{}, err
	}
	return shown(listed[govern.Person]{Items: page.People, Next: c.next(page.Next)})
}

func (a *API) peopleCounts(c *call) (answer, error) {
	n, err := a.Govern.PeopleCounts(c.ctx(), c.by, c.company())
	if err != nil {
		return answer{}, err
	}
	return shown(n)
}

// personWritten is what can be said of a person.
type personWritten struct {
	Email          string              `json:"email"`
	Name           string              `json:"name"`
	GivenName      string              `json:"given_name"`
	FamilyName     string              `json:"family_name"`
	Phone          string              `json:"phone"`
	Language       string              `json:"language"`
	Kind           string              `json:"kind"`
	Role           string              `json:"role"`
	Roles          map[string][]string `json:"product_roles"`
	RequireTwoStep bool                `json:"require_two_step"`
	Disabled       bool                `json:"disabled"`
}

// personInFile are the fields by their names in a file, where they differ.
var personInFile = map[string]string{"language": "locale", "product_roles": "roles"}

func (w personWritten) entry() apply.Person {
	e := apply.Person{
		Email: w.Email, Phone: w.Phone, Kind: w.Kind, Role: w.Role, Roles: w.Roles, RequireTwoStep: w.RequireTwoStep, Disabled: w.Disabled,
	}
	e.Name, e.GivenName, e.FamilyName, e.Locale = w.Name, w.GivenName, w.FamilyName, w.Language
	return e
}

func (a *API) createPerson(c *call) (answer, error) {
	var sent struct {
		personWritten
		Invite bool `json:"invite"`
	}
	sent.Kind, sent.Role = policy.Staff, policy.Member
	if _, err := c.decode(&sent); err != nil {
		return answer{}, err
	}
	entry := sent.entry()
	entry.Roles = nil
	var p govern.Person
	err := a.Govern.Within(c.ctx(), func(ctx context.Context, _ *storage.Tx) (err error) {
		if p, err = a.Govern.CreatePerson(ctx, c.by, c.company(), govern.NewPerson{Entry: entry, Invite: sent.Invite}); err != nil || len(sent.Roles) == 0 {
			return err
		}
		if err = a.giveRoles(ctx, c, p.ID, sent.Roles); err != nil {
			return err
		}
		p, err = a.asIs(ctx, c, p.ID)
		return err
	})
	if err != nil {
		return answer{}, inPeople(err)
	}
	return createdAt(p, "companies", c.company(), "people", p.ID)
}

// asIs is a person as the transaction has them, held until its end.
func (a *API) asIs(ctx context.Context, c *call, id string) (govern.Person, error) {
	return a.Govern.ChangePerson(ctx, c.by, c.company(), id, apply.Person{})
}

// giveRoles gives a person roles, product by product, so that what is wrong can
// be said of the field.
func (a *API) giveRoles(ctx context.Context, c *call, id string, roles map[string][]string) error {
	for _, product := range slices.Sorted(maps.Keys(roles)) {
		err := a.Govern.GiveRoles(ctx, c.by, c.company(), id, map[string][]string{product: roles[product]})
		if errors.Is(err, storage.ErrNotFound) {
			return wrongField("product_roles."+product, string(apply.CodeUnknown), "isn't open to the company", "write the id of a product that is")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// personShown is a person as they are, with who demands a second factor.
type personShown struct {
	govern.PersonDetails
	Demands []demand `json:"demands"`
}

// demand is who wants a second factor of a person at every sign-in.
type demand struct {
	// Code is that of policy.Reason, Who the name of a company or product.
	Code string `json:"code"`
	Who  string `json:"who,omitempty"`
	ACR  string `json:"acr"`
}

func demandOf(d policy.Demand) demand {
	return demand{Code: string(d.Reason.Code), Who: d.Reason.Who, ACR: d.Level.ACR()}
}

func (a *API) person(c *call) (answer, error) {
	p, err := a.Govern.Person(c.ctx(), c.by, c.company(), c.id("person"))
	if err != nil {
		return answer{}, err
	}
	out := personShown{PersonDetails: p, Demands: []demand{}}
	for _, d := range p.Demands {
		out.Demands = append(out.Demands, demandOf(d))
	}
	return shown(out)
}

// changePerson changes what is mentioned, and nothing else (RFC 7396): another
// address and roles besides other fields, all or nothing.
func (a *API) changePerson(c *call) (answer, error) {
	var w personWritten
	mentioned, err := c.decode(&w)
	if err != nil {
		return answer{}, err
	}
	var fields []string
	for _, name := range mentioned {
		if name != "email" && name != "product_roles" {
			fields = append(fields, cmp.Or(personInFile[name], name))
		}
	}
	var p govern.Person
	id := c.id("person")
	err = a.Govern.Within(c.ctx(), func(ctx context.Context, _ *storage.Tx) (err error) {
		if p, err = a.Govern.ChangePerson(ctx, c.by, c.company(), id, w.entry(), fields...); err != nil {
			return err
		}
		if err = a.giveRoles(ctx, c, id, w.Roles); err != nil {
			return err
		}
		if slices.Contains(mentioned, "email") && w.Email != p.Email {
			if err = a.Govern.ChangeAddress(ctx, c.by, c.company(), id, w.Email); err != nil {
				return err
			}
		}
		p, err = a.asIs(ctx, c, id)
		return err
	})
	if err != nil {
		return answer{}, inPeople(err)
	}
	return shown(p)
}

func (a *API) deletePerson(c *call) (answer, error) {
	if err := a.Govern.DeletePerson(c.ctx(), c.by, c.company(), c.id("person")); err != nil {
		return answer{}, inPeople(err)
	}
	return noContent()
}

// inPeople takes what is wrong with an entry of a file for what is wrong with
// what was sent.
func inPeople(err error) error {
	ps, are := errors.AsType[*apply.Problems](err)
	if !are {
		return err
	}
	list := slices.Clone(ps.List)
	for i := range list {
		p := &list[i]
		if p.Field == "" && p.Code == apply.CodeTaken {
			p.Field, p.Remedy = "email", "write another address"
		}
		for _, here := range slices.Sorted(maps.Keys(personInFile)) {
			if rest, is := strings.CutPrefix(p.Field, personInFile[here]); is && (rest == "" || strings.ContainsAny(rest[:1], ".[")) {
				p.Field = here + rest
			}
		}
	}
	return &apply.Problems{List: list}
}
