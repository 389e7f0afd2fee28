// Package admin is the console, in which owners and administrators govern
// their company and the operator the instance, and beside it the JSON API.
// Both only translate: what can be done, and by whom, is in login/admin/govern.
//
// The console is an internal client of the provider that wants two factors of
// everybody, and a fresh one before it changes how somebody else signs in.
package admin

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/inside"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// ClientID is the console's own client.
const ClientID = "sallyport-console"

// Admin serves the console. Its fields are set once.
type Admin struct {
	DB       *storage.DB
	Sessions *session.Sessions
	Pages    *page.Renderer
	Govern   *govern.Govern
	Issuer   string
	Now      func() time.Time
	Log      *slog.Logger
}

// Door is how the console is entered.
func (a *Admin) Door() *inside.Door {
	return &inside.Door{DB: a.DB, Sessions: a.Sessions, Pages: a.Pages, Issuer: a.Issuer, ClientID: ClientID, Home: "/console", Log: a.Log}
}

// Client is how the console is registered.
func (a *Admin) Client(name string) storage.Client {
	c := a.Door().Client(name)
	c.RequireTwoFactors = true
	return c
}

// Routes adds the pages to r, which protects against cross-site requests.
func (a *Admin) Routes(r chi.Router) {
	r.Get("/console", a.page(a.home))
	r.Get("/console/back", a.Door().Back)
	r.Get("/console/confirm", a.Door().Guard(formPage, inside.Vouching, a.confirmed, a.failed))
	a.companyRoutes(r)
	a.instanceRoutes(r)
}

// visit is one request in the console.
type visit struct {
	*inside.Visit
	by     govern.Actor
	rights govern.Rights
	// company is the id in the address, empty on pages of the instance.
	company string
}

// id is a part of the address.
func (v *visit) id(name string) string { return chi.URLParam(v.R, name) }

// to is the address of something of the company.
func (v *visit) to(parts ...string) string {
	return page.Console{CompanyID: v.company}.Path(parts...)
}

// page wraps a page of the console. Where it takes a second factor proved just
// now, the way leads through that and back to the same page: who is sent there
// from a form comes back to the page that has it.
func (a *Admin) page(serve func(*visit) error) http.HandlerFunc {
	return a.Door().Guard(formPage, nil, func(in *inside.Visit) (err error) {
		v := a.visit(in)
		if v.rights, err = a.Govern.Rights(v.Ctx(), v.by); err != nil {
			return err
		}
		if err := a.enter(v); err != nil {
			return err
		}
		return serve(v)
	}, a.failed)
}

// enter is the guard at the mount: nobody comes to a page of a company, or of
// the instance, who may not see anything there. What a page shows and does is
// asked for besides.
func (a *Admin) enter(v *visit) error {
	switch {
	case v.company != "":
		return a.Govern.Ask(v.Ctx(), v.by, govern.SeePeople, v.company, "")
	case v.R.URL.Path != "/console":
		return a.Govern.Ask(v.Ctx(), v.by, govern.SeeCompanies, "", "")
	}
	return nil
}

func (a *Admin) visit(in *inside.Visit) *visit {
	from := session.OriginOf(in.Ctx())
	return &visit{Visit: in, company: chi.URLParam(in.R, "company"), by: govern.Actor{
		UserID: in.In.User.ID, ClientID: ClientID, Unlimited: true, Vouches: inside.Vouches(in.Facts), Address: from.Addr.String(), RequestID: from.RequestID,
	}}
}

// formPage is where the form of a request is: most are sent to the address of
// the page they are on, the others to below it.
func formPage(r *http.Request) string {
	for _, button := range []string{"/roles", "/sessions/end", "/invite", "/confirm", "/remind", "/bulk", "/cancel"} {
		if page, ok := strings.CutSuffix(r.URL.Path, button); ok && r.Method == http.MethodPost {
			return page
		}
	}
	return r.URL.Path
}

// failed answers what a page came to nothing by.
func (a *Admin) failed(in *inside.Visit, err error) {
	v := a.visit(in)
	v.rights, _ = a.Govern.Rights(v.Ctx(), v.by) // none for who is gone
	refused, isRefused := errors.AsType[*govern.Refused](err)
	switch {
	case errors.Is(err, govern.ErrNotFresh):
		a.Door().StepUp(in, formPage(in.R), inside.Ask(nil))
	case errors.Is(err, storage.ErrNotFound):
		a.message(v, http.StatusNotFound, "not_found")
	case isRefused && refused.Code == "role" && v.company == "" && in.R.URL.Path != "/console":
		a.message(v, http.StatusForbidden, "refused_operator")
	case isRefused:
		a.message(v, http.StatusForbidden, "refused_"+refused.Code)
	default:
		a.Door().Failed(in, err)
	}
}

// message is a page that says why there is nothing else.
func (a *Admin) message(v *visit, status int, code string) {
	f := a.Door().Frame(v.Visit, nil)
	f.Status = status
	link, text := "/console", "console.home"
	if !v.rights.May(govern.SeePeople, v.In.User.OrgID) {
		link, text = "/account", "console.account" // there is nothing for them in the console
	}
	a.Pages.Write(v.W, f, page.Message{
		Heading: page.Say("console." + code + ".heading"), Body: page.Say("console." + code + ".body"), Link: link, LinkText: page.Say(text),
	})
}

// show draws a page.
func (a *Admin) show(v *visit, p page.Page, problem *page.Problem) error {
	f := a.Door().Frame(v.Visit, problem)
	if problem != nil && problem.Text.ID == notFresh {
		f.ConfirmURL = "/console/confirm"
	}
	a.Pages.Write(v.W, f, p)
	return nil
}

// notFresh is said beside a form that waits for a second factor.
const notFresh = "console.not_fresh.body"

// form is what surrounds a form with what is wrong with its fields; "" is the
// form as a whole.
func (a *Admin) form(v *visit, wrong map[string]page.Text) page.Frame {
	f := a.Door().Frame(v.Visit, nil)
	f.Problems = wrong
	if wrong[""].ID == notFresh {
		f.ConfirmURL = "/console/confirm"
	}
	return f
}

// done leads on to a page that says what was done, by a message's name.
func (v *visit) done(path, what string) error {
	return v.Redirect(path + "?done=" + what)
}

// notice is what the page before did, if that is for this one to say.
func (a *Admin) notice(v *visit, f page.Frame, known ...string) page.Frame {
	if what := v.R.URL.Query().Get("done"); slices.Contains(known, what) {
		t := page.Say("console.done." + what)
		f.Notice = &t
	}
	return f
}

// shell is what surrounds a page: what its reader may visit.
func (a *Admin) shell(v *visit, current string) (page.Console, error) {
	c := page.Console{CompanyID: v.company, Current: current, Items: make(map[string]bool), Role: v.In.User.Role}
	company := v.company
	if company == "" {
		company = v.In.User.OrgID
	}
	org, err := a.DB.Org(v.Ctx(), company)
	if err != nil {
		return c, err
	}
	c.CompanyID, c.Company = org.ID, org.Name
	if v.In.User.Operator {
		c.Role = govern.Operator
	}
	for item, see := range map[string]govern.Action{
		"people": govern.SeePeople, "requirements": govern.SeeRules, "networks": govern.SeeRules, "products": govern.SeeProducts,
		"api-clients": govern.SeeMachines, "audit": govern.SeeAudit,
	} {
		c.Items[item] = v.rights.May(see, company)
	}
	for item, see := range map[string]govern.Action{
		"companies": govern.SeeCompanies, "all-products": govern.SeeAllProducts, "keys": govern.SeeKeys, "delivery": govern.SeeDelivery, "all-audit": govern.SeeInstanceAudit,
	} {
		c.Items[item] = v.rights.May(see, "")
	}
	return c, nil
}

// confirmed is where somebody proves a second factor beside a form that is
// waiting in another tab.
func (a *Admin) confirmed(in *inside.Visit) error {
	a.message(a.visit(in), http.StatusOK, "confirmed")
	return nil
}

// home leads to the first page the person may see.
func (a *Admin) home(v *visit) error {
	if err := a.Govern.Ask(v.Ctx(), v.by, govern.SeePeople, v.In.User.OrgID, ""); err != nil {
		return err
	}
	return v.Redirect(page.Console{CompanyID: v.In.User.OrgID}.Path("people"))
}
