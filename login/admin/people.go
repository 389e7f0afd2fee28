package admin

import (
	"net/http"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/page"
)

// people lists the people of a company.
func (a *Admin) people(v *visit) error {
	shell, err := a.shell(v, "people")
	if err != nil {
		return err
	}
	filter := filterOf(v.R)
	found, err := a.Govern.People(v.Ctx(), v.by, v.company, filter)
	if err != nil {
		return err
	}
	counts, err := a.Govern.PeopleCounts(v.Ctx(), v.by, v.company)
	if err != nil {
		return err
	}
	total, err := a.Govern.CountPeople(v.Ctx(), v.by, v.company, filter)
	if err != nil {
		return err
	}
	p := page.ConsolePeople{
		Console: shell, Unconfirmed: counts.Unconfirmed,
		List: page.List{Query: v.R.URL.Query(), Filters: peopleFilters(counts), Total: total, Next: found.Next},
		May:  make(map[string]bool),
	}
	if v.rights.May(govern.ChangePeople, v.company) {
		for _, deed := range []string{"create", "import", "export", "require", "lift"} {
			p.May[deed] = true
		}
		p.May["remind"], p.May["confirm"] = a.Govern.MailGoesOut, a.Govern.MailGoesOut
	}
	for _, u := range found.People {
		p.People = append(p.People, rowOf(u, !v.rights.MayTo(govern.ChangePeople, v.company, u)))
	}
	f := a.notice(v, a.Door().Frame(v.Visit, nil), "deleted", "imported", "bulk")
	a.Pages.Write(v.W, f, p)
	return nil
}

// filterOf reads the filters of the list from a request's query or form.
func filterOf(r *http.Request) govern.PeopleFilter {
	f := govern.PeopleFilter{
		Search: r.FormValue("q"), TwoFactor: policy.State(r.FormValue("two_factor")), Kind: r.FormValue("kind"), Role: r.FormValue("role"),
		Unconfirmed: r.FormValue("email") == "unconfirmed", After: r.FormValue("after"),
	}
	switch status := r.FormValue("status"); {
	case status == "enabled", status == "disabled":
		f.Status = status
	case f.TwoFactor != "" || f.Kind != "" || f.Role != "" || f.Unconfirmed:
		f.Status = "enabled" // as the filters count them
	}
	return f
}

func peopleFilters(n govern.PeopleCounts) []page.Filter {
	option := func(value string, count int) page.FilterOption {
		return page.FilterOption{Value: value, Count: count}
	}
	all := option("", n.All)
	return []page.Filter{
		{Name: "two_factor", Options: []page.FilterOption{
			all, option("on", n.TwoFactor[policy.StateOn]), option("pending", n.TwoFactor[policy.StatePending]), option("off", n.TwoFactor[policy.StateOff]),
		}},
		{Name: "kind", Options: []page.FilterOption{all, option(policy.Staff, n.Kind[policy.Staff]), option(policy.Client, n.Kind[policy.Client])}},
		{Name: "role", Options: []page.FilterOption{
			all, option(policy.Owner, n.Role[policy.Owner]), option(policy.Administrator, n.Role[policy.Administrator]), option(policy.Member, n.Role[policy.Member]),
		}},
		{Name: "email", Options: []page.FilterOption{all, option("unconfirmed", n.Unconfirmed)}},
		{Name: "status", Options: []page.FilterOption{option("", n.All+n.Disabled), option("enabled", n.All), option("disabled", n.Disabled)}},
	}
}

func rowOf(p govern.Person, fixed bool) page.PersonRow {
	return page.PersonRow{
		ID: p.ID, Name: p.Name, Email: p.Email, EmailVerified: p.EmailConfirmed, Role: p.Role, Kind: p.Kind, TwoFactor: string(p.TwoFactor),
		Methods: p.Methods, LastSignIn: p.LastSignInAt, Disabled: p.Disabled, Fixed: fixed,
	}
}
