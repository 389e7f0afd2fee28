package demo

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/stepup"
)

// remoteControl is a product with an action that needs two-step verification:
// starting a remote session on a machine.
type remoteControl struct {
	*relyingParty
	machines []string
	running  *remoteSessions
	opening  http.Handler // opens a remote session for who may, and whose sign-in is enough
}

// toStart is what starting a remote session takes: two factors, the second one
// of today. One that is older is asked for again, without the password.
var toStart = stepup.Need{ACR: stepup.ACR2FA, MFAAge: 12 * time.Hour}

// NewRemoteControl makes the remote-control product for these machines. Like
// the dashboard, it discovers the provider when it first needs it.
func NewRemoteControl(p Product, machines []string) http.Handler {
	rc := remoteControl{
		relyingParty: newRelyingParty(p, "Take Control", "remote", "demo-remote-control"),
		machines:     slices.Clone(machines),
	}
	rc.running = newRemoteSessions(rc.Clock)
	rc.arrived = rc.signedIn
	rc.retry = func(machine string) string { return startPath(machine) }
	rc.ended = rc.running.end
	rc.opening = stepup.RequireMFA(stepup.Pages{
		Need: toStart, Session: rc.signIn, StepUp: rc.stepUp, Voluntary: true, Now: rc.Clock,
	})(rc.page(rc.open))

	mux := http.NewServeMux()
	rc.routes(mux)
	rc.api(mux)
	mux.Handle("GET /{$}", rc.page(rc.home))
	mux.Handle("POST /machines/{name}/start", rc.page(rc.start))
	mux.Handle("GET /sessions/{id}", rc.page(rc.watch))
	mux.HandleFunc("GET /sessions/{id}/screen.json", rc.screen)
	mux.Handle("POST /sessions/{id}/end", rc.page(rc.stop))
	return new(http.CrossOriginProtection).Handler(mux)
}

func startPath(machine string) string { return "/machines/" + url.PathEscape(machine) + "/start" }

// machineRow is one line of the list.
type machineRow struct {
	Name    string
	ID      string // the name without spaces, for the page's ids
	Start   string // where the form goes
	Running string // address of this person's running session, "" for none
}

// machineList is the first page. Everybody signed in may see it.
type machineList struct {
	MayStart bool
	Verified bool
	Machines []machineRow
}

func (rc remoteControl) home(w http.ResponseWriter, r *http.Request) error {
	if rc.cameBack(w, r) {
		return nil
	}
	v := rc.visitor(r)
	if v.Session == nil {
		return rc.pages.render(w, "signedout", http.StatusOK, view{Title: "Welcome", Visitor: v,
			Content: "See a customer's screen and lend a hand. Starting a remote session takes two-step verification."})
	}
	list := machineList{MayStart: v.Session.hasRole(RemoteOperator), Verified: rc.enough(v.Session) == nil}
	for _, name := range rc.machines {
		row := machineRow{Name: name, ID: strings.ReplaceAll(name, " ", "-"), Start: startPath(name)}
		if id := rc.running.on(name, v.Owner, v.Session.Subject); id != "" {
			row.Running = "/sessions/" + id
		}
		list.Machines = append(list.Machines, row)
	}
	return rc.pages.render(w, "machines", http.StatusOK, view{Title: "Machines", Visitor: v, Content: list})
}

// start begins a remote session, or sends the person to prove what is missing.
func (rc remoteControl) start(w http.ResponseWriter, r *http.Request) error {
	v, err := rc.form(w, r)
	if err != nil {
		return err
	}
	machine := r.PathValue("name")
	if !slices.Contains(rc.machines, machine) {
		return &problem{Status: http.StatusNotFound, Title: "There is no such machine", Words: "It may have been removed from the list."}
	}
	if s := v.Session; s != nil && !s.hasRole(RemoteOperator) {
		return noRole(machine) // a second factor wouldn't change that, so nobody is asked for one
	}
	rc.opening.ServeHTTP(w, r)
	return nil
}

// signIn is what a request's session says of its sign-in.
func (rc remoteControl) signIn(r *http.Request) (stepup.Claims, bool) {
	s := rc.visitor(r).Session
	if s == nil {
		return stepup.Claims{}, false
	}
	return s.signIn(), true
}

// stepUp sends a person to prove what is missing for the machine of the path.
func (rc remoteControl) stepUp(w http.ResponseWriter, r *http.Request, ask url.Values) {
	rc.page(func(w http.ResponseWriter, r *http.Request) error {
		return rc.begin(w, r, r.PathValue("name"), ask)
	}).ServeHTTP(w, r)
}

// enough is nil where a session may start remote sessions at this moment.
func (rc remoteControl) enough(s *session) error { return toStart.Check(s.signIn(), rc.Clock()) }

// signedIn is where people come back to. That two-step verification was asked
// for proves nothing: the new ID token decides.
func (rc remoteControl) signedIn(w http.ResponseWriter, r *http.Request, v visitor, machine string) error {
	switch {
	case machine == "":
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	case !v.Session.hasRole(RemoteOperator):
		return noRole(machine)
	}
	if err := rc.enough(v.Session); err != nil {
		return rc.tooWeak(v.Session, machine, err)
	}
	return rc.begun(w, r, v, machine)
}

// open is behind the second door.
func (rc remoteControl) open(w http.ResponseWriter, r *http.Request) error {
	return rc.begun(w, r, rc.visitor(r), r.PathValue("name"))
}

func (rc remoteControl) begun(w http.ResponseWriter, r *http.Request, v visitor, machine string) error {
	id := rc.running.start(machine, v.Owner, v.Session)
	rc.Log.InfoContext(r.Context(), "remote session started", "machine", machine, "subject", v.Session.Subject, "acr", v.Session.ACR)
	http.Redirect(w, r, "/sessions/"+id, http.StatusSeeOther)
	return nil
}

func noRole(machine string) *problem {
	return &problem{
		Status: http.StatusForbidden, Machine: machine,
		Title: "Your role doesn't include remote sessions",
		Words: "You may look at the list of machines. Ask an administrator of your company if you need to start remote sessions.",
	}
}

func (rc remoteControl) tooWeak(s *session, machine string, why error) *problem {
	p := &problem{
		Status: http.StatusForbidden, Code: "acr: " + first(s.ACR, "(none)"), cause: why,
		Title: "Two-step verification is needed",
		Words: "Whoever holds a remote session controls the machine, so a password alone isn't enough. You are signed in, but without a second step, and the remote session was not started.",
	}
	if stepup.AtLeast(s.ACR, toStart.ACR) {
		p.Words = "Whoever holds a remote session controls the machine, so the second step must be of today. Yours is older, and the remote session was not started."
	}
	return rc.tryAgain(machine, p)
}
