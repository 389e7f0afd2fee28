package browserstory

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// thirdParty is a product of somebody else's, which shows what it gets.
type thirdParty struct {
	*servertest.RP
	origin string
}

const thirdPartySecret = "the secret of the shift planner"

// thirdParty registers a product that asks for consent, with more lines of its
// declaration.
func (s *stage) thirdParty(t *testing.T, id, more string) *thirdParty {
	t.Helper()
	origin := servertest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang=en><title>Shift Planner</title><link rel=icon href=data:,><h1>Shift Planner</h1><p id=method>%s</p><dl>`, r.Method)
		for name := range r.Form {
			fmt.Fprintf(w, "<dt>%[1]s<dd id=%[1]s>%[2]s", html.EscapeString(name), html.EscapeString(r.Form.Get(name)))
		}
	}))
	s.Apply(`products: [{id: ` + id + `, name: Shift Planner, secret_hash: ` + storage.Hash(thirdPartySecret) + `, redirect_uris: ["` + origin + `/back"],
		scopes: [openid, profile, email, roles], policy_uri: "https://planner.example/privacy", tos_uri: "https://planner.example/terms"` + more + `}]`)
	return &thirdParty{RP: servertest.NewRP(t, s.Instance, id, thirdPartySecret, origin+"/back"), origin: origin}
}

// begin sends a visitor to sign in there.
func (v *visitor) begin(p *thirdParty, more url.Values) *visitor {
	v.t.Helper()
	v.Go(p.AuthorizeURL(more))
	return v
}

// got fails the test unless the product got an answer, and returns its code.
func (v *visitor) got(p *thirdParty, method, failure string) (code string) {
	v.t.Helper()
	v.WaitURL(p.origin + "/back")
	v.says("#method", method).says("#state", "some state").says("#iss", v.s.URL)
	if failure != "" {
		v.says("#error", failure)
		return ""
	}
	return v.Text("#code")
}

// Products of others are told nothing before the person allows it.
func TestThirdParty(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		t.Run("consent", func(t *testing.T) { consent(t, s) })
		t.Run("form post", func(t *testing.T) { formPost(t, s) })
		t.Run("choice of account", func(t *testing.T) { chooseAccount(t, s) })
		t.Run("another company's", func(t *testing.T) { noAccess(t, s) })
		t.Run("sign-out", func(t *testing.T) { signOut(t, s) })
		t.Run("wrong request", func(t *testing.T) { wrongRequest(t, s) })
	})
}

func consent(t *testing.T, s *stage) {
	p := s.thirdParty(t, "shift-planner", "")
	ana := s.visitor(t, "ana@acme.example").begin(p, nil)
	ana.at("/login/password").says("h1", "Sign in to Shift Planner")
	ana.password().at("/login/consent").says("h1", "Allow Shift Planner?").
		reads("Know that it's you when you sign in", "See your name and language", "See your e-mail address", "Privacy policy", "Terms of service")
	ana.ClickText("Cancel")
	ana.got(p, "GET", "access_denied")

	// That wasn't remembered; a yes is.
	ana.begin(p, nil).password().at("/login/consent").ClickText("Allow")
	if status, answer := p.Exchange(ana.got(p, "GET", ""), nil); status != http.StatusOK {
		t.Errorf("the code isn't taken: %d %v", status, answer)
	}
	ana.begin(p, nil).got(p, "GET", "")

	// More than was allowed is asked for again.
	ana.begin(p, url.Values{"scope": {"openid email roles"}}).at("/login/consent").reads("See your roles in this product")
	ana.ClickText("Cancel")
	ana.got(p, "GET", "access_denied")
	ana.begin(p, url.Values{"prompt": {"consent"}}).at("/login/consent")
}

// formPost: the answer comes as a form, sent by itself or by a button.
func formPost(t *testing.T, s *stage) {
	p := s.thirdParty(t, "poster", ", first_party: true")
	mode := url.Values{"response_mode": {"form_post"}}
	ana := s.visitor(t, "ana@acme.example").begin(p, mode).password()
	if status, answer := p.Exchange(ana.got(p, "POST", ""), nil); status != http.StatusOK {
		t.Errorf("the code isn't taken: %d %v", status, answer)
	}
	ana.begin(p, mode).got(p, "POST", "")

	plain := s.visitor(t, "ana@acme.example").withoutScripts().begin(p, mode).password()
	plain.reads("If not, press the button.").press().got(p, "POST", "")
	s.Clock.Advance(time.Second)
	plain.begin(p, url.Values{"response_mode": {"form_post"}, "prompt": {"login"}}).at("/login/password").Click(".leave button")
	plain.press().got(p, "POST", "access_denied")
}

func chooseAccount(t *testing.T, s *stage) {
	p := s.thirdParty(t, "chooser", ", first_party: true")
	choose := url.Values{"prompt": {"select_account"}}
	ana := s.visitor(t, "ana@acme.example").begin(p, choose)
	ana.password().got(p, "GET", "") // nobody to choose from
	ana.begin(p, choose).at("/login/account").says("h1", "Choose an account for Shift Planner").reads("Ana Operator")
	ana.Click("[value=this]")
	ana.got(p, "GET", "")
	s.Clock.Advance(time.Second)
	ana.begin(p, choose).at("/login/account").ClickText("Use another account")
	ana.email = "ben@acme.example"
	ana.password().got(p, "GET", "")
	ana.begin(p, choose).at("/login/account").reads("Ben Bookkeeper")
	ana.Click(".leave button")
	ana.got(p, "GET", "access_denied")
}

// noAccess: a product that is for another company says whose rule it is.
func noAccess(t *testing.T, s *stage) {
	s.Apply(`companies: [{id: north, name: North}]`)
	p := s.thirdParty(t, "closed", ", companies: [north]")
	ana := s.visitor(t, "ana@acme.example").begin(p, nil).password()
	ana.says("h1", "You have no access").reads("ana@acme.example may not use Shift Planner.")
	ana.Click(".leave button")
	ana.got(p, "GET", "access_denied")
}

// signOut asks where it can't know that the person means it.
func signOut(t *testing.T, s *stage) {
	ana := s.visitor(t, "ana@acme.example").onDashboard()
	other := ana.tab()
	other.Go(s.URL + "/logout?client_id=dashboard")
	other.says("h1", "Sign out?").reads("Dashboard asks to sign you out.")
	other.press().says("h1", "You are signed out")
	ana.reads("You were signed out by Sallyport.")

	// From the product, it is one click.
	ana.Click("#sign-in")
	ana.password().Click("#sign-out")
	ana.WaitURL(s.Dashboard)
	ana.says("#notice", "You are signed out of this product and of Sallyport.")
	ana.Click("#sign-in")
	ana.at("/login/password")
}

// wrongRequest: what can't be answered to a product is shown to its developer.
func wrongRequest(t *testing.T, s *stage) {
	p := s.thirdParty(t, "mistaken", "")
	dev := s.visitor(t, "ana@acme.example").begin(p, url.Values{"redirect_uri": {p.origin + "/else"}})
	dev.says("h1", "This product sent a request we can't answer").reads(p.origin+"/else", p.origin+"/back", "Reference")
	dev.begin(p, url.Values{"code_challenge_method": {"plain"}}).got(p, "GET", "invalid_request")
}
