package protocoltest_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// asking is a product of somebody else, that asks for two factors where a
// request says so.
const asking = `
products:
  - {id: asking, name: Asking, secret_hash: "${SECRET_HASH}", redirect_uris: ["https://rp.example/callback"]}
`

// seed is the key of the app that enrolled gives.
const seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

// enrolled gives somebody a second factor of every kind, and backup codes.
func enrolled(t testing.TB, w *world, email string) {
	t.Helper()
	w.change(t, func(tx *storage.Tx) error {
		u, err := tx.UserByEmail(t.Context(), email)
		if err != nil {
			return err
		}
		for _, f := range []storage.Factor{
			{ID: "app", Kind: "totp", Name: "Phone", Secret: []byte(seed)},
			{ID: "key", Kind: "webauthn", Name: "Key", Handle: "handle", Secret: []byte(`{"id":"AQID"}`)},
			{ID: "texts", Kind: "sms", Secret: []byte("+41791234567")},
			{ID: "mails", Kind: "email", Secret: []byte(email)},
		} {
			f.UserID = u.ID
			if err := tx.InsertFactor(t.Context(), f, 0, w.Clock.Now()); err != nil {
				return err
			}
		}
		if err := tx.ReplaceBackupCodes(t.Context(), u.ID, []string{storage.Hash("one"), storage.Hash("two")}, w.Clock.Now()); err != nil {
			return err
		}
		if err := tx.SetPreferredMethod(t.Context(), u.ID, "totp"); err != nil {
			return err
		}
		return tx.SetTwoStep(t.Context(), u.ID, true, w.Clock.Now())
	})
}

// pages are all pages of a sign-in, with the way there from the address of an
// authorization request.
var pages = []struct {
	path string
	more url.Values
	open func(t *testing.T, w *world, p *servertest.Person, authorize string)
}{
	{"/login/password", nil, begin},
	{"/login/password", url.Values{"prompt": {"login"}}, inSession},
	{"/login/account", url.Values{"prompt": {"select_account"}}, inSession},
	{"/login/consent", nil, inSession},
	{"/login/totp", nil, second("")},
	{"/login/choose", nil, second("/login/choose")},
	{"/login/text-message", nil, second("/login/text-message")},
	{"/login/email-code", nil, second("/login/email-code")},
	{"/login/passkey", nil, second("/login/passkey")},
	{"/login/backup-code", nil, second("/login/backup-code")},
	{"/login/recovery-code", nil, second("/login/recovery-code")},
	{"/login/why", twoFactors, inSession},
	{"/login/set-up", twoFactors, setUp("")},
	{"/login/set-up/scan", twoFactors, setUp("totp")},
	{"/login/set-up/code", twoFactors, func(t *testing.T, w *world, p *servertest.Person, authorize string) {
		setUp("totp")(t, w, p, authorize)
		p.Follow("/login/set-up/code")
	}},
	{"/login/set-up/key", twoFactors, setUp("webauthn")},
	{"/login/set-up/phone", twoFactors, setUp("sms")},
	{"/login/set-up/phone/code", twoFactors, func(t *testing.T, w *world, p *servertest.Person, authorize string) {
		setUp("sms")(t, w, p, authorize)
		p.Submit(map[string]string{"phone": "+41791111111"})
	}},
	{"/login/backup-codes", twoFactors, func(t *testing.T, w *world, p *servertest.Person, authorize string) {
		setUp("totp")(t, w, p, authorize)
		key := p.All("#key")[0]
		p.Follow("/login/set-up/code")
		p.Submit(map[string]string{"code": servertest.Code(t, key, w.Clock.Now())})
	}},
	// Refused: the product is closed to them.
	{"/login", nil, func(t *testing.T, w *world, p *servertest.Person, authorize string) {
		amend(t, w, "asking", func(c *storage.Client) { c.Orgs = []string{"globex"} })
		p.Go(authorize)
		signIn(p, "adam@acme.example")
		p.MustRead("Asking")
	}},
}

var twoFactors = url.Values{"claims": {`{"id_token":{"acr":{"essential":true,"value":"urn:sallyport:acr:2fa"}}}`}}

func begin(_ *testing.T, _ *world, p *servertest.Person, authorize string) { p.Go(authorize) }

// inSession is as somebody signed in by password.
func inSession(t *testing.T, w *world, p *servertest.Person, authorize string) {
	p.Go(w.rp(t, "first").AuthorizeURL(nil))
	signIn(p, "ben@acme.example")
	w.Clock.Advance(time.Second)
	p.Go(authorize)
}

// second is as somebody who has a second factor of every kind, at one of them.
func second(path string) func(*testing.T, *world, *servertest.Person, string) {
	return func(_ *testing.T, w *world, p *servertest.Person, authorize string) {
		p.Go(authorize)
		signIn(p, ana)
		if path != "" {
			p.Go(w.URL + path + "?" + url.Values{"r": {p.URL.Query().Get("r")}}.Encode())
		}
	}
}

// setUp is as somebody who sets up a second factor of a kind.
func setUp(method string) func(*testing.T, *world, *servertest.Person, string) {
	return func(t *testing.T, w *world, p *servertest.Person, authorize string) {
		inSession(t, w, p, authorize)
		p.MustBeAt("/login/why").Submit(map[string]string{"set_up": "1"})
		if method != "" {
			p.MustBeAt("/login/set-up").Submit(map[string]string{"method": method})
		}
	}
}

// cancelled presses Cancel, which must be seen on the page, and is what the
// product is answered by redirect.
func cancelled(t *testing.T, p *servertest.Person) {
	t.Helper()
	if !slices.ContainsFunc(p.All("button"), func(words string) bool { return strings.Contains(words, "Cancel") }) {
		t.Fatalf("no Cancel on %s:\n%s", p.URL, p.Text())
	}
	if p.Has("[name=deny]") {
		p.Submit(map[string]string{"deny": "1"})
		return
	}
	p.SubmitTo("/login/cancel")
}

// RFC 6749 section 4.1.2.1: whoever doesn't want to go on says so on any page,
// and the product gets access_denied.
func TestRFC6749Section4_1_2_1CancelOnEveryPage(t *testing.T) {
	both(t, asking, func(t *testing.T, w *world) {
		enrolled(t, w, ana)
		for _, c := range pages {
			t.Run(strings.TrimPrefix(c.path, "/login"), func(t *testing.T) {
				w.Clock.Advance(time.Minute) // codes that are sent have their pace
				p := w.visitor(t)
				c.open(t, w, p, w.rp(t, "asking").AuthorizeURL(c.more))
				cancelled(t, p.MustBeAt(c.path))
				if q := p.URL.Query(); !strings.HasPrefix(p.URL.String(), callback) || q.Get("error") != "access_denied" || q.Get("state") != "some state" || q.Get("iss") != w.URL {
					t.Fatalf("the product is told %s\n%s", p.URL, p.Text())
				}
			})
		}
	})
}

// Where a factor must be set up whoever asks, leaving is signing out, and is
// answered alike.
func TestRFC6749Section4_1_2_1SignOutOfSetUp(t *testing.T) {
	both(t, asking+"\ncompanies: [{id: acme, rules: {staff: {mode: required}}}]\n", func(t *testing.T, w *world) {
		for _, steps := range [][]map[string]string{
			nil,
			{{"set_up": "1"}},
			{{"set_up": "1"}, {"method": "totp"}},
		} {
			p := w.visitor(t).Go(w.rp(t, "asking").AuthorizeURL(nil))
			p.Submit(map[string]string{"username": "ben@acme.example", "password": demo.Password})
			for _, fields := range steps {
				p.Submit(fields)
			}
			at := p.URL.Path
			if !slices.Contains(p.All("button"), "Sign out") {
				t.Fatalf("no way out of %s:\n%s", at, p.Text())
			}
			if q := p.SubmitTo("/login/sign-out").URL.Query(); q.Get("error") != "access_denied" || q.Get("iss") != w.URL {
				t.Errorf("%s: the product is told %s", at, p.URL)
			}
			if signedIn(t, w, p) {
				t.Errorf("%s: signed in", at)
			}
		}
	})
}

// And by every response mode.
func TestRFC6749Section4_1_2_1CancelInEveryResponseMode(t *testing.T) {
	both(t, asking, func(t *testing.T, w *world) {
		for _, mode := range []string{"query", "fragment", "form_post", "query.jwt", "form_post.jwt", "jwt"} {
			p := w.visitor(t).Go(w.rp(t, "asking").AuthorizeURL(url.Values{"response_mode": {mode}}))
			cancelled(t, p.MustBeAt("/login/password"))
			got := p.URL.Query()
			switch {
			case strings.HasPrefix(mode, "form_post"):
				got = url.Values{}
				for _, name := range []string{"error", "state", "iss", "response"} {
					got.Set(name, p.Value(name))
				}
			case mode == "fragment":
				var err error
				if got, err = url.ParseQuery(p.URL.Fragment); err != nil {
					t.Fatal(err)
				}
			}
			if strings.HasSuffix(mode, "jwt") {
				claims := servertest.Claims(t, got.Get("response"))
				got = url.Values{"error": {claims.String("error")}, "state": {claims.String("state")}, "iss": {claims.String("iss")}}
			}
			if got.Get("error") != "access_denied" || got.Get("state") != "some state" || got.Get("iss") != w.URL {
				t.Errorf("%s: %v at %s\n%s", mode, got, p.URL, p.Text())
			}
		}
	})
}
