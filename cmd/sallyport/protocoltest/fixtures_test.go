package protocoltest_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// site is where the products of these tests live. Nothing listens there: a
// browser that is redirected to it has arrived.
const site = "https://rp.example"

const (
	callback = site + "/callback"
	secret   = "a secret of forty characters, for tests.."
	ana      = "ana@acme.example"
)

// first is a first-party product that needs nothing special.
const first = `
products:
  - id: first
    name: First
    first_party: true
    secret_hash: ${SECRET_HASH}
    grant_types: [authorization_code, refresh_token]
    scopes: [openid, profile, email, roles, offline_access]
    redirect_uris: ["https://rp.example/callback"]
    post_logout_redirect_uris: ["https://rp.example/bye"]
`

// world is a provider with the demo's people and the products of a test.
type world struct {
	*servertest.Demo
	t testing.TB
}

// both runs a test on both engines. products is what sallyport apply reads;
// ${SECRET_HASH} in it stands for the hash of secret. options are those of
// servertest.Start.
func both(t *testing.T, products string, test func(t *testing.T, w *world), options ...string) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, start(t, engine, products, options...))
		})
	}
}

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }

func start(t testing.TB, engine, products string, options ...string) *world {
	t.Helper()
	w := &world{Demo: servertest.StartDemo(t, engine, options...), t: t}
	for _, text := range []string{first, products} {
		if text != "" {
			w.Apply(strings.ReplaceAll(text, "${SECRET_HASH}", storage.Hash(secret)))
		}
	}
	return w
}

// rp is a relying party that authenticates with secret; see servertest.RP.
func (w *world) rp(t testing.TB, id string) *servertest.RP {
	return servertest.NewRP(t, w.Instance, id, secret, callback)
}

// visitor is somebody who hasn't signed in, with a browser that stops at the
// products of these tests.
func (w *world) visitor(t testing.TB) *servertest.Person { return servertest.NewPerson(t, site) }

// member is somebody with a running session, proved by password.
func (w *world) member(t testing.TB, email string) *servertest.Person {
	t.Helper()
	p := w.visitor(t)
	p.Go(w.rp(t, "first").AuthorizeURL(nil))
	signIn(p, email)
	if !strings.HasPrefix(p.URL.String(), callback) {
		t.Fatalf("not signed in, but at %s\n%s", p.URL, p.Text())
	}
	return p
}

// signIn fills in the password page.
func signIn(p *servertest.Person, email string) *servertest.Person {
	return p.Submit(map[string]string{"username": email, "password": demo.Password})
}

// change writes to the database behind everybody's back.
func (w *world) change(t testing.TB, do func(tx *storage.Tx) error) {
	t.Helper()
	if err := w.DB.Write(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}

// codeFor goes through the authorization endpoint without a page.
func codeFor(t testing.TB, p *servertest.Person, rp *servertest.RP, more url.Values) string {
	t.Helper()
	p.Go(rp.AuthorizeURL(more))
	code := p.URL.Query().Get("code")
	if code == "" {
		t.Fatalf("no code: %s\n%s", p.URL, p.Text())
	}
	return code
}

// tokensFor redeems a code from codeFor.
func tokensFor(t testing.TB, p *servertest.Person, rp *servertest.RP, more url.Values) servertest.Answer {
	t.Helper()
	status, tokens := rp.Exchange(codeFor(t, p, rp, more), nil)
	if status != http.StatusOK {
		t.Fatalf("exchange: %d %v", status, tokens)
	}
	return tokens
}

// mustRefuse fails unless a JSON answer is this error, says why, and gives
// nothing out.
func mustRefuse(t testing.TB, status int, a servertest.Answer, wantStatus int, code string) {
	t.Helper()
	if status != wantStatus || a.String("error") != code || a.String("error_description") == "" {
		t.Fatalf("want %d %s, got %d %v", wantStatus, code, status, a)
	}
	for _, name := range []string{"access_token", "refresh_token", "id_token"} {
		if a[name] != nil {
			t.Fatalf("refused, with %s: %v", name, a)
		}
	}
}
