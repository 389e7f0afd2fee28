package governtest

import (
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/server"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }

// Everybody who asks, beside those of the demo. olly has no second factor.
const population = `
people:
  - { email: olly@acme.example, company: acme, name: Olly Owner, email_verified: true, role: owner, password_hash: "${HASH}" }
  - { email: gabi@globex.example, company: globex, name: Gabi Globex, email_verified: true, role: administrator, password_hash: "${HASH}" }
  - { email: gus@globex.example, company: globex, name: Gus Globex, email_verified: true, password_hash: "${HASH}" }
  - { email: gina@client.example, company: globex, name: Gina Client, kind: client, password_hash: "${HASH}" }
products:
  - { id: tool, name: Tool, first_party: true, secret_hash: ${SECRET}, redirect_uris: ["https://tool.example/callback"], scopes: [openid, ${SCOPES}] }
  - { id: crane, name: Crane, secret_hash: ${SECRET}, grant_types: [client_credentials], scopes: [${SCOPES}] }
  - { id: robot-acme, name: Robot, company: acme, secret_hash: ${SECRET}, grant_types: [client_credentials], scopes: [${OFCOMPANY}] }
  - { id: robot-globex, name: Robot, company: globex, secret_hash: ${SECRET}, grant_types: [client_credentials], scopes: [${OFCOMPANY}] }
  - { id: few-acme, name: Few, company: acme, secret_hash: ${SECRET}, grant_types: [client_credentials], scopes: ["audit:read"] }
  - { id: few-globex, name: Few, company: globex, secret_hash: ${SECRET}, grant_types: [client_credentials], scopes: ["audit:read"] }
`

// The two companies. What is said of one company's people in their own and in
// the other holds of the other's people as well.
var companies = map[string]string{"acme": "globex", "globex": "acme"}

// emails of the people with two factors, by company and role. The operator is a
// member of globex.
var emails = map[string]map[string]string{
	"acme": {
		"operator": "otto@sallyport.example", "owner": "olga@acme.example", "administrator": "adam@acme.example", "member": "ben@acme.example", "client": "clara@client.example",
	},
	"globex": {
		"operator": "otto@sallyport.example", "owner": "gwen@globex.example", "administrator": "gabi@globex.example", "member": "gus@globex.example", "client": "gina@client.example",
	},
}

const (
	oneFactor  = "olly@acme.example"
	toolSite   = "https://tool.example"
	toolSecret = "a secret of everything that calls, for tests"
)

// world is a provider in which nothing happens by itself, with everybody
// signed in.
type world struct {
	*servertest.Instance
	t      *testing.T
	tables *tables
	people map[string]*someone
	// pool are objects that stand for those in addresses, until one is changed.
	pool map[string][]object
	n    int
	// crane is a token of the operator's machine.
	crane string
}

// someone is a person with a browser of their own.
type someone struct {
	id, email, key string
	browser        *servertest.Person
	rp             *servertest.RP
	// token has all scopes, narrow has none. formToken is that of the browser.
	token, narrow, formToken string
}

// build makes the world on an engine. Second factors were proved at its
// present time.
func build(t *testing.T, engine string) *world {
	t.Helper()
	databaseURL := storagetest.URL(t, engine)
	l := servertest.Listen(t)
	i := &servertest.Instance{
		URL:   strings.Replace("http://"+l.Addr().String(), "127.0.0.1", "localhost", 1),
		Clock: servertest.NewClock(), Log: new(servertest.Log), Mail: new(servertest.Mailbox),
	}
	log := server.NewLogger(i.Log, slog.LevelInfo, "text")
	i.DB = storagetest.Open(t, databaseURL, storage.Options{Log: log})
	conf, err := config.Load(config.Sources{Flags: map[string]string{
		"issuer": i.URL, "product-name": "Sallyport test", "outbound-allow-private": "true", "limits-exempt-networks": "127.0.0.0/8,::1/128",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if i.Server, err = server.New(t.Context(), server.Options{Config: conf, DB: i.DB, Now: i.Clock.Now, Mail: i.Mail, Log: log}); err != nil {
		t.Fatal(err)
	}
	h := server.NewHTTP(i.Server.Handler())
	go h.Serve(l)
	t.Cleanup(func() { h.Close() })

	w := &world{Instance: i, t: t, tables: openTables(t, engine, databaseURL), people: make(map[string]*someone), pool: make(map[string][]object)}
	w.declare(demo.Declaration("http://localhost:1", "http://localhost:2", storage.Hash))
	w.populate()
	return w
}

func (w *world) populate() {
	w.t.Helper()
	ana, err := w.DB.UserByEmail(w.t.Context(), "ana@acme.example")
	if err != nil {
		w.t.Fatal(err)
	}
	quoted := func(scopes []string) string { return `"` + strings.Join(scopes, `", "`) + `"` }
	var ofCompany []string
	for _, scope := range session.AdminScopes() {
		if !session.OperatorScope(scope) {
			ofCompany = append(ofCompany, scope)
		}
	}
	values := map[string]string{"HASH": ana.PasswordHash, "SECRET": storage.Hash(toolSecret), "SCOPES": quoted(session.AdminScopes()), "OFCOMPANY": quoted(ofCompany)}
	w.declare(os.Expand(population, func(name string) string { return values[name] }))

	for _, roles := range emails {
		for _, email := range roles {
			if w.people[email] == nil {
				w.people[email] = w.enrol(email)
			}
		}
	}
	w.Clock.Advance(30 * time.Second) // a code counts once
	for _, s := range w.people {
		s.password(s.email)
		s.browser.Submit(map[string]string{"code": servertest.Code(w.t, s.key, w.Clock.Now())})
		w.ready(s)
	}
	olly := w.meet(oneFactor)
	olly.browser.Go(w.URL + "/account")
	olly.password(oneFactor)
	w.ready(olly)
	w.people[oneFactor] = olly
}

func (w *world) meet(email string) *someone {
	w.t.Helper()
	u, err := w.DB.UserByEmail(w.t.Context(), email)
	if err != nil {
		w.t.Fatal(err)
	}
	return &someone{
		id: u.ID, email: email, browser: servertest.NewPerson(w.t, toolSite), rp: servertest.NewRP(w.t, w.Instance, "tool", toolSecret, toolSite+"/callback"),
	}
}

// nobody is somebody who isn't signed in, in a browser that has seen a page.
func (w *world) nobody() *someone {
	w.t.Helper()
	s := &someone{browser: servertest.NewPerson(w.t)}
	s.browser.Go(w.URL + "/account")
	s.formToken = formToken(w.t, w.visit(s, http.MethodGet, s.browser.URL.RequestURI(), "", nil))
	return s
}

func (s *someone) password(email string) {
	fields := map[string]string{"password": demo.Password}
	if s.browser.Has("[name=username]") {
		fields["username"] = email
	}
	s.browser.Submit(fields)
}

// enrol sets up a second factor on the way to the console, and stops where the
// person signs in with it.
func (w *world) enrol(email string) *someone {
	w.t.Helper()
	s := w.meet(email)
	p := s.browser.Go(w.URL + "/console")
	s.password(email)
	p.MustBeAt("/login/why").Submit(map[string]string{"set_up": "1"})
	p.MustBeAt("/login/set-up").Submit(map[string]string{"method": "totp"})
	s.key = strings.ReplaceAll(p.MustBeAt("/login/set-up/scan").All("#key")[0], " ", "")
	p.Follow("/login/set-up/code")
	p.Submit(map[string]string{"code": servertest.Code(w.t, s.key, w.Clock.Now())})
	p.MustBeAt("/login/backup-codes").Submit(map[string]string{"saved": "yes"})
	return s
}

var formTokenField = regexp.MustCompile(`name="form_token" value="([^"]+)"`)

// ready notes the form token of a browser that is signed in.
func (w *world) ready(s *someone) {
	w.t.Helper()
	a := w.visit(s, http.MethodGet, "/account", "", nil)
	if a.status != http.StatusOK {
		w.t.Fatalf("%s isn't signed in: %d at %s\n%s", s.email, a.status, s.browser.URL, s.browser.Text())
	}
	s.formToken = formToken(w.t, a)
}

func formToken(t *testing.T, a answered) string {
	t.Helper()
	found := formTokenField.FindStringSubmatch(a.body)
	if found == nil {
		t.Fatalf("%d, without a form: %s", a.status, a.body)
	}
	return found[1]
}

// proveAnew has everybody prove their second factor once more.
func (w *world) proveAnew() {
	w.t.Helper()
	w.Clock.Advance(30 * time.Second)
	for _, s := range w.people {
		if s.key == "" {
			continue
		}
		s.browser.Go(s.rp.AuthorizeURL(url.Values{"max_age": {"0"}, "acr_values": {"urn:sallyport:acr:2fa"}}))
		s.password(s.email)
		s.browser.Submit(map[string]string{"code": servertest.Code(w.t, s.key, w.Clock.Now())})
		if s.browser.URL.Query().Get("code") == "" {
			w.t.Fatalf("%s didn't prove a second factor: at %s\n%s", s.email, s.browser.URL, s.browser.Text())
		}
		w.ready(s)
	}
}

// newTokens gets the people of a company tokens, by the sessions they have.
func (w *world) newTokens(company string) {
	w.t.Helper()
	get := func(s *someone, scopes ...string) string {
		s.browser.Go(s.rp.AuthorizeURL(url.Values{"scope": {strings.Join(append([]string{"openid"}, scopes...), " ")}}))
		status, a := s.rp.Exchange(s.browser.URL.Query().Get("code"), nil)
		if status != http.StatusOK {
			w.t.Fatalf("%s gets no token: %d %v, at %s", s.email, status, a, s.browser.URL)
		}
		return a.String("access_token")
	}
	for _, email := range emails[company] {
		w.people[email].token = get(w.people[email], session.AdminScopes()...)
	}
	owner, olly := w.people[emails[company]["owner"]], w.people[oneFactor]
	owner.narrow, olly.token = get(owner), get(olly, session.AdminScopes()...)
}

// machineToken is a new token of an API client.
func (w *world) machineToken(id string) string {
	w.t.Helper()
	status, a := servertest.NewRP(w.t, w.Instance, id, toolSecret, "").Post("/token", url.Values{"grant_type": {session.ClientCredentials}})
	if status != http.StatusOK {
		w.t.Fatalf("%s gets no token: %d %v", id, status, a)
	}
	return a.String("access_token")
}

// declare brings the database to a declared state.
func (w *world) declare(yaml string) {
	w.t.Helper()
	f, err := apply.Parse(strings.NewReader(yaml), "test.yaml")
	if err == nil {
		_, err = apply.Apply(w.t.Context(), w.DB, f, apply.Options{Now: w.Clock.Now()})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}
