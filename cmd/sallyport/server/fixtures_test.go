package server_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// site is where the products below live. Nothing listens there: a browser that
// is redirected to it has arrived.
const site = "https://rp.example"

// Clients of the tests. Each differs in one way from "first", a first-party
// product that may do everything.
const (
	first    = "first"
	third    = "third"    // consent is asked
	public   = "public"   // no secret
	native   = "native"   // no secret, any port of a loopback address
	lenient  = "lenient"  // pkce: optional
	poster   = "poster"   // client_secret_post
	elliptic = "elliptic" // ES256
	brief    = "brief"    // no refresh tokens
	strict   = "strict"   // min_acr: 2fa
	foreign  = "foreign"  // another company's
	secret   = "a secret of forty characters, for tests.."
)

// gus is of another company; mia has every standard claim.
const (
	ana = "ana@acme.example"
	ben = "ben@acme.example"
	gus = "gus@globex.example"
	mia = "mia@acme.example"
)

const extras = `
companies:
  - { id: globex, name: Globex }
people:
  - { email: gus@globex.example, company: globex, name: Gus Globex, password_hash: "${PASSWORD_HASH}" }
  - email: mia@acme.example
    company: acme
    name: Mia Maria Meier
    given_name: Mia
    middle_name: Maria
    family_name: Meier
    nickname: mi
    preferred_username: mia
    profile: https://acme.example/mia
    picture: https://acme.example/mia.png
    website: https://mia.example
    gender: female
    birthdate: "1990-12-31"
    zoneinfo: Europe/Zurich
    locale: en
    address: { formatted: "Gasse 1, 8000 Zürich", street_address: Gasse 1, locality: Zürich, region: ZH, postal_code: "8000", country: CH }
    email_verified: true
    phone: "+41790000000"
    phone_verified: true
    roles: { first: [reader, writer], third: [guest] }
    password_hash: "${PASSWORD_HASH}"
products:
  - { id: first, name: First, first_party: true, ${CONFIDENTIAL}, ${ALL} }
  - { id: third, name: Third, ${CONFIDENTIAL}, ${ALL} }
  - { id: public, name: Public, first_party: true, auth_method: none, ${ALL} }
  - id: native
    name: Native
    first_party: true
    auth_method: none
    native: true
    redirect_uris: ["http://127.0.0.1/callback", "http://[::1]:4711/callback?x=1", "com.example.app:/callback"]
  - { id: lenient, name: Lenient, first_party: true, pkce: optional, ${CONFIDENTIAL}, ${ALL} }
  - { id: poster, name: Poster, first_party: true, auth_method: client_secret_post, ${CONFIDENTIAL}, ${ALL} }
  - { id: elliptic, name: Elliptic, first_party: true, id_token_signed_response_alg: ES256, ${CONFIDENTIAL}, ${ALL} }
  - { id: brief, name: Brief, first_party: true, ${CONFIDENTIAL}, redirect_uris: ["https://rp.example/brief", "http://127.0.0.1:4711/brief"] }
  - { id: strict, name: Strict, first_party: true, min_acr: "urn:sallyport:acr:2fa", ${CONFIDENTIAL}, ${ALL} }
  - { id: foreign, name: Foreign, first_party: true, companies: [globex], ${CONFIDENTIAL}, ${ALL} }
`

// register adds the companies, people and products above.
func register(t testing.TB, d *servertest.Demo) {
	t.Helper()
	someone, err := d.DB.UserByEmail(t.Context(), ana)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{
		"PASSWORD_HASH": someone.PasswordHash,
		"CONFIDENTIAL":  "secret_hash: " + storage.Hash(secret),
		"ALL": `grant_types: [authorization_code, refresh_token], scopes: [openid, profile, email, phone, address, roles, offline_access], ` +
			`redirect_uris: ["https://rp.example/callback", "https://rp.example/a%2Fb?c=d"], post_logout_redirect_uris: ["https://rp.example/bye"]`,
	}
	declare(t, d, os.Expand(extras, func(name string) string { return values[name] }))
}

// start is a demo with the extras, on SQLite.
func start(t testing.TB) *servertest.Demo {
	t.Helper()
	d := servertest.StartDemo(t, "sqlite")
	register(t, d)
	return d
}

// both runs a test on both engines, with the extras.
func both(t *testing.T, test func(t *testing.T, d *servertest.Demo)) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		register(t, d)
		test(t, d)
	})
}

// rp is one of the clients above.
func rp(t testing.TB, d *servertest.Demo, id string) *servertest.RP {
	s, callback := secret, site+"/callback"
	switch id {
	case public:
		s = ""
	case native:
		s, callback = "", "http://127.0.0.1/callback"
	case brief:
		callback = site + "/brief"
	}
	return servertest.NewRP(t, d.Instance, id, s, callback)
}

// visitor is somebody who hasn't signed in, with a browser that stops at the
// products.
func visitor(t testing.TB) *servertest.Person {
	return servertest.NewPerson(t, site, "http://127.0.0.1/", "http://127.0.0.1:", "http://[::1]", "com.example.app:")
}

// member is somebody with a running session, proved by password.
func member(t testing.TB, d *servertest.Demo, email string) *servertest.Person {
	t.Helper()
	p := visitor(t)
	p.Go(rp(t, d, first).AuthorizeURL(nil))
	signIn(p, email)
	answered(t, p)
	return p
}

// twoFactors is somebody with a running session of two factors, and an app
// with the key. The clock has moved on by a step of its codes.
func twoFactors(t *testing.T, d *servertest.Demo, email string) (p *servertest.Person, key string, codes []string) {
	t.Helper()
	p = visitor(t)
	p.Go(rp(t, d, strict).AuthorizeURL(nil))
	key, codes = enrol(t, d, signIn(p, email))
	signIn(p, email)
	d.Clock.Advance(totpStep)
	p.Submit(map[string]string{"code": servertest.Code(t, key, d.Clock.Now())})
	answered(t, p)
	return p, key, codes
}

// answered is what a product was answered, in the query.
func answered(t testing.TB, p *servertest.Person) url.Values {
	t.Helper()
	if !strings.HasPrefix(p.URL.String(), site) && p.URL.Hostname() != "127.0.0.1" && p.URL.Hostname() != "::1" && p.URL.Scheme != "com.example.app" {
		t.Fatalf("no product was answered: at %s (%d)\n%s", p.URL, p.Status, p.Text())
	}
	return p.URL.Query()
}

// codeFor goes through the authorization endpoint without a page.
func codeFor(t testing.TB, p *servertest.Person, rp *servertest.RP, more url.Values) string {
	t.Helper()
	code := answered(t, p.Go(rp.AuthorizeURL(more))).Get("code")
	if code == "" {
		t.Fatalf("no code: %s", p.URL)
	}
	return code
}

// tokensFor redeems a code from codeFor.
func tokensFor(t testing.TB, p *servertest.Person, rp *servertest.RP, more url.Values) servertest.Answer {
	t.Helper()
	status, tokens := rp.Exchange(codeFor(t, p, rp, more), nil)
	if status != 200 {
		t.Fatalf("exchange: %d %v", status, tokens)
	}
	return tokens
}

// mustError fails unless an authorization response is this error, with
// everything that belongs to it and without a code.
func mustError(t testing.TB, d *servertest.Demo, q url.Values, code string) {
	t.Helper()
	if q.Get("error") != code || q.Get("iss") != d.URL || q.Get("state") != "some state" || q.Has("code") || q.Get("error_description") == "" {
		t.Fatalf("want %s, got %v", code, q)
	}
}

// mustRefuse fails unless a JSON answer is this error.
func mustRefuse(t testing.TB, status int, a servertest.Answer, wantStatus int, code string) {
	t.Helper()
	if status != wantStatus || a.String("error") != code {
		t.Fatalf("want %d %s, got %d %v", wantStatus, code, status, a)
	}
	for _, name := range []string{"access_token", "refresh_token", "id_token"} {
		if a[name] != nil {
			t.Fatalf("refused, with %s: %v", name, a)
		}
	}
}

// totpStep is how long a code of an app is shown.
const totpStep = 30 * time.Second

// formPost fetches the page with a form that goes to a product by itself, and
// returns what is in it.
func formPost(t testing.TB, p *servertest.Person, address, to string) url.Values {
	t.Helper()
	action, fields, h := fetchForm(t, p, address)
	if policy := h.Get("Content-Security-Policy"); action != to || !strings.Contains(policy, "form-action 'self' "+site) {
		t.Fatalf("no form to %s but to %q, under %s", to, action, policy)
	}
	return fields
}

// fieldOf is the value of a hidden field on the page the person is on.
func fieldOf(t testing.TB, p *servertest.Person, name string) string {
	t.Helper()
	_, fields, _ := fetchForm(t, p, p.URL.String())
	if fields.Get(name) == "" {
		t.Fatalf("no field %s on %s", name, p.URL)
	}
	return fields.Get(name)
}

// fetchForm fetches a page in the person's browser without going there, and
// returns where its first form goes and all its fields.
func fetchForm(t testing.TB, p *servertest.Person, address string) (action string, fields url.Values, h http.Header) {
	t.Helper()
	resp, err := p.Client().Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	doc, err := html.Parse(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	forms := 0
	fields = url.Values{}
	for n := range doc.Descendants() {
		attributes := map[string]string{}
		for _, a := range n.Attr {
			attributes[a.Key] = a.Val
		}
		switch {
		case n.Data == "form" && forms == 0:
			action, forms = attributes["action"], 1
		case n.Data == "input":
			fields.Set(attributes["name"], attributes["value"])
		}
	}
	return action, fields, resp.Header
}

// change does something to a person behind everybody's back.
func change(t testing.TB, d *servertest.Demo, email string, do func(tx *storage.Tx, id string) error) {
	t.Helper()
	err := d.DB.Write(t.Context(), func(tx *storage.Tx) error {
		u, err := tx.UserByEmail(t.Context(), email)
		if err != nil {
			return err
		}
		return do(tx, u.ID)
	})
	if err != nil {
		t.Fatal(err)
	}
}
