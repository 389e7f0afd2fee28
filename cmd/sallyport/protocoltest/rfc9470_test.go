package protocoltest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/idp/stepup"
	"github.com/sallyport-id/sallyport/storage"
)

// quickly is what the API of these tests asks for.
var quickly = stepup.Need{ACR: stepup.ACR2FA, MFAAge: 10 * time.Minute}

// guarded serves an API behind a verifier, whose other fields it fills in.
func (w *world) guarded(t testing.TB, v *stepup.Verifier, scope string, need stepup.Need) string {
	t.Helper()
	v.Issuer, v.Now = w.URL, w.Clock.Now
	return servertest.Serve(t, stepup.RequireBearer(v, scope, need)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Subject", stepup.FromContext(r.Context()).Subject)
		w.WriteHeader(http.StatusNoContent)
	})))
}

// called is what an API answers to a token.
func called(t testing.TB, method, address, token string, more ...string) (int, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i+1 < len(more); i += 2 {
		req.Header.Set(more[i], more[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Header
}

// challenged is what to ask of the provider after an answer of an API.
func challenged(t testing.TB, status int, h http.Header) (stepup.Challenge, url.Values) {
	t.Helper()
	c, ok := stepup.ParseChallenge(h)
	ask, mends := c.StepUp()
	if status != http.StatusUnauthorized || !ok || !mends {
		t.Fatalf("%d %q: no challenge that another sign-in would meet", status, h.Values("WWW-Authenticate"))
	}
	return c, ask
}

// lenient lets somebody who has an app in without it, where nobody asks for it.
func (w *world) lenient(t testing.TB) (p *servertest.Person, key string) {
	t.Helper()
	key = w.twoFactors(t, w.member(t, ana))
	w.change(t, func(tx *storage.Tx) error {
		u, err := tx.UserByEmail(t.Context(), ana)
		if err != nil {
			return err
		}
		return tx.SetTwoStep(t.Context(), u.ID, false, w.Clock.Now())
	})
	w.later(time.Minute) // the code that set it up is spent
	return w.member(t, ana), key
}

// RFC 9470 section 3: what the API wants, to the letter. Section 4: the client
// takes it to the provider. Section 5: the new token shows it, and the API
// lets it pass, until it has become too old.
func TestRFC9470Section3ChallengeIsMetByStepUp(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		p, key := w.lenient(t)
		rp := w.rp(t, "shop")
		for name, test := range map[string]struct {
			v    *stepup.Verifier
			with url.Values
		}{
			"JWT":              {&stepup.Verifier{Audience: []string{orders}}, forOrders()},
			"JWT, asked about": {&stepup.Verifier{Audience: []string{orders}, ClientID: "orders", ClientSecret: secret, AlwaysIntrospect: true}, forOrders()},
			"opaque":           {&stepup.Verifier{Audience: []string{"shop"}, ClientID: "shop", ClientSecret: secret}, url.Values{"scope": {"openid profile"}}},
		} {
			api := w.guarded(t, test.v, "", quickly)
			p := p
			if name != "JWT" {
				p = w.member(t, ana)
			}
			tokens := tokensFor(t, p, rp, test.with)
			status, h := called(t, "POST", api, tokens.String("access_token"))
			want := `Bearer error="insufficient_user_authentication", ` +
				`error_description="urn:sallyport:acr:2fa or better is needed, and the sign-in is worth urn:sallyport:acr:1fa", ` +
				`acr_values="urn:sallyport:acr:2fa", max_age="600", mfa_max_age="600"`
			if got := h.Values("WWW-Authenticate"); status != http.StatusUnauthorized || len(got) != 1 || got[0] != want {
				t.Fatalf("%s: %d %q", name, status, got)
			}

			// The code alone, not the password.
			_, ask := challenged(t, status, h)
			tokens = w.stepped(t, p, rp, key, test.with, ask)
			if status, h := called(t, "POST", api, tokens.String("access_token")); status != http.StatusNoContent || h.Get("Subject") == "" {
				t.Fatalf("%s, after the step: %d %v", name, status, h)
			}

			// Refreshing makes nothing younger.
			w.later(10*time.Minute + time.Second)
			_, refreshed := rp.Refresh(tokens.String("refresh_token"), nil)
			status, h = called(t, "POST", api, refreshed.String("access_token"))
			c, ask := challenged(t, status, h)
			if ask.Has("max_age") || !strings.Contains(c.Parameters["error_description"], "at most 10m0s ago") {
				t.Errorf("%s, ten minutes later: %v, and asks %v", name, c, ask)
			}
			tokens = w.stepped(t, p, rp, key, test.with, ask)
			if status, h := called(t, "POST", api, tokens.String("access_token")); status != http.StatusNoContent {
				t.Fatalf("%s, after the second step: %d %v", name, status, h)
			}
			w.later(time.Minute) // the code is spent
		}
	})
}

// stepped goes to the provider with what a challenge asks for, enters the code,
// and redeems what comes back.
func (w *world) stepped(t testing.TB, p *servertest.Person, rp *servertest.RP, key string, with, ask url.Values) servertest.Answer {
	t.Helper()
	p.Go(rp.AuthorizeURL(merged(with, ask))).MustBeAt("/login/totp").Submit(map[string]string{"code": servertest.Code(t, key, w.Clock.Now())})
	return w.redeemed(t, p, rp, with)
}

func (w *world) redeemed(t testing.TB, p *servertest.Person, rp *servertest.RP, with url.Values) servertest.Answer {
	t.Helper()
	code := p.URL.Query().Get("code")
	if code == "" {
		t.Fatalf("no code: %s\n%s", p.URL, p.Text())
	}
	more := url.Values{}
	if with.Has("resource") {
		more.Set("resource", with.Get("resource"))
	}
	status, tokens := rp.Exchange(code, more)
	if status != http.StatusOK {
		t.Fatalf("exchange: %d %v", status, tokens)
	}
	return tokens
}

func merged(all ...url.Values) url.Values {
	out := url.Values{}
	for _, one := range all {
		for name, values := range one {
			out[name] = values
		}
	}
	return out
}

// RFC 9470 section 4: a client that knows nothing of mfa_max_age sends acr_values
// and max_age as they are, which is a whole sign-in, and good too.
func TestRFC9470Section4AuthorizationRequestOfAnyClient(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		p, key := w.lenient(t)
		rp, api := w.rp(t, "shop"), w.guarded(t, &stepup.Verifier{Audience: []string{orders}}, "orders:write", quickly)
		tokens := w.stepped(t, p, rp, key, forOrders(), url.Values{"acr_values": {stepup.ACR2FA}})
		w.later(10*time.Minute + time.Second)
		_, tokens = rp.Refresh(tokens.String("refresh_token"), nil)
		status, h := called(t, "POST", api, tokens.String("access_token"))
		c, _ := challenged(t, status, h)
		ask := url.Values{"acr_values": {c.Parameters["acr_values"]}, "max_age": {c.Parameters["max_age"]}}
		signIn(p.Go(rp.AuthorizeURL(merged(forOrders(), ask))), ana)
		p.MustBeAt("/login/totp").Submit(map[string]string{"code": servertest.Code(t, key, w.Clock.Now())})
		if status, h := called(t, "POST", api, w.redeemed(t, p, rp, forOrders()).String("access_token")); status != http.StatusNoContent {
			t.Errorf("%d %v", status, h)
		}
	})
}

// RFC 6750 section 3.1, before RFC 9470: who lacks the scope, and what acts
// without a person, isn't asked for a factor in vain. RFC 9068 section 4: no
// token is taken for another.
func TestRFC9470Section3OtherRefusalsComeFirst(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		p, rp := w.member(t, ana), w.rp(t, "shop")
		tokens := tokensFor(t, p, rp, forOrders("scope", "openid orders:read"))
		_, machine := byItself(w.rp(t, "robot"), forOrders("scope", "orders:write"))
		api := func(scope string, need stepup.Need, always bool) string {
			v := &stepup.Verifier{Audience: []string{orders}, ClientID: "orders", ClientSecret: secret, AlwaysIntrospect: always}
			return w.guarded(t, v, scope, need)
		}
		writing, reading := api("orders:write", quickly, false), api("orders:read", stepup.Need{}, false)
		for name, test := range map[string]struct {
			api, token string
			status     int
			code       string
		}{
			"scope":              {writing, tokens.String("access_token"), http.StatusForbidden, "insufficient_scope"},
			"nobody behind it":   {writing, machine.String("access_token"), http.StatusUnauthorized, "insufficient_user_authentication"},
			"ID token":           {reading, tokens.String("id_token"), http.StatusUnauthorized, "invalid_token"},
			"opaque":             {reading, tokensFor(t, p, rp, nil).String("access_token"), http.StatusUnauthorized, "invalid_token"},
			"for another API":    {reading, tokensFor(t, p, rp, url.Values{"resource": {stock}, "scope": {everything}}).String("access_token"), http.StatusUnauthorized, "invalid_token"},
			"nothing wrong":      {reading, tokens.String("access_token"), http.StatusNoContent, ""},
			"invented, opaque":   {reading, "invented", http.StatusUnauthorized, "invalid_token"},
			"changed at the end": {reading, tokens.String("access_token") + "A", http.StatusUnauthorized, "invalid_token"},
		} {
			status, h := called(t, "POST", test.api, test.token)
			c, _ := stepup.ParseChallenge(h)
			if status != test.status || c.Parameters["error"] != test.code {
				t.Errorf("%s: %d %v", name, status, h)
			}
		}

		// What ended is refused at the next call by who asks, and when it expires by
		// who verifies alone.
		asking := api("", stepup.Need{}, true)
		if status, h := called(t, "POST", asking, tokens.String("access_token")); status != http.StatusNoContent {
			t.Fatalf("%d %v", status, h)
		}
		w.signedOut(t, p)
		for api, want := range map[string]int{asking: http.StatusUnauthorized, reading: http.StatusNoContent} {
			if status, _ := called(t, "POST", api, tokens.String("access_token")); status != want {
				t.Errorf("signed out: %d, want %d", status, want)
			}
		}
		w.later(5 * time.Minute)
		if status, _ := called(t, "POST", reading, tokens.String("access_token")); status != http.StatusUnauthorized {
			t.Errorf("expired: %d", status)
		}
	})
}

// The API of the demo's remote-control product: the dashboard starts a session
// there with a token for it, the product itself with its own opaque one.
func TestRFC9470DemoStartsRemoteSessions(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		_, key := w.lenient(t)
		dashboard := servertest.NewRP(t, w.Instance, demo.DashboardID, demo.DashboardSecret, w.Dashboard+demo.CallbackPath)
		control := servertest.NewRP(t, w.Instance, demo.RemoteID, demo.RemoteSecret, w.Remote+demo.CallbackPath)
		start := w.Remote + demo.APIPath + "/machines/" + demo.Machines[0] + "/sessions"
		scope := "openid roles " + demo.StartScope
		for name, test := range map[string]struct {
			rp   *servertest.RP
			with url.Values
		}{
			"by another product's JWT": {dashboard, url.Values{"scope": {scope}, "resource": {w.Remote + demo.APIPath}}},
			"by its own opaque token":  {control, url.Values{"scope": {scope}}},
		} {
			p := servertest.NewPerson(t, test.rp.RedirectURI)
			signIn(p.Go(test.rp.AuthorizeURL(test.with)), ana)
			tokens := w.redeemed(t, p, test.rp, test.with)
			status, h := called(t, "POST", start, tokens.String("access_token"))
			_, ask := challenged(t, status, h)
			tokens = w.stepped(t, p, test.rp, key, test.with, ask)
			token := tokens.String("access_token")
			status, h = called(t, "POST", start, token)
			if status != http.StatusCreated {
				t.Fatalf("%s: %d %v", name, status, h)
			}
			started := w.Remote + h.Get("Location")
			if status, _ := called(t, "POST", strings.Replace(start, demo.Machines[0], "vault", 1), token); status != http.StatusNotFound {
				t.Errorf("%s, a machine that isn't there: %d", name, status)
			}
			for _, want := range []int{http.StatusNoContent, http.StatusNotFound} {
				if status, _ := called(t, "DELETE", started, token); status != want {
					t.Errorf("%s, ending it: %d, want %d", name, status, want)
				}
			}
			w.signedOut(t, p)
			if status, _ := called(t, "POST", start, token); status != http.StatusUnauthorized {
				t.Errorf("%s, signed out: %d", name, status)
			}
			w.later(time.Minute) // the code is spent
		}
	})
}

// Who lacks the role starts nothing, whatever the token shows, and isn't asked
// for a factor that wouldn't help: the scope is the product's, the role the
// person's.
func TestRFC9470DemoAsksForTheRole(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		dashboard := servertest.NewRP(t, w.Instance, demo.DashboardID, demo.DashboardSecret, w.Dashboard+demo.CallbackPath)
		start := w.Remote + demo.APIPath + "/machines/" + demo.Machines[0] + "/sessions"
		ben := servertest.NewPerson(t, w.Dashboard)
		with := url.Values{"scope": {"openid roles " + demo.StartScope}, "resource": {w.Remote + demo.APIPath}}
		signIn(ben.Go(dashboard.AuthorizeURL(with)), "ben@acme.example")
		if status, _ := called(t, "POST", start, w.redeemed(t, ben, dashboard, with).String("access_token")); status != http.StatusForbidden {
			t.Errorf("%d", status)
		}
	})
}

// RFC 9449 section 7.1: a bound token starts a session with a proof, and never as
// a bearer token.
func TestRFC9449Section7DemoTakesProofs(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		_, key := w.lenient(t)
		rp := &prover{RP: servertest.NewRP(t, w.Instance, demo.DashboardID, demo.DashboardSecret, w.Dashboard+demo.CallbackPath), key: w.newProofKey(t), t: t}
		path := demo.APIPath + "/machines/" + demo.Machines[0] + "/sessions"
		with := url.Values{"scope": {"openid roles " + demo.StartScope}, "resource": {w.Remote + demo.APIPath}, "acr_values": {stepup.ACR2FA}}
		p := servertest.NewPerson(t, w.Dashboard)
		signIn(p.Go(rp.AuthorizeURL(with)), ana)
		p.Submit(map[string]string{"code": servertest.Code(t, key, w.Clock.Now())})
		status, _, tokens := rp.send("/token", rp.codeForm(p.URL.Query().Get("code")), rp.key.proof("/token", nil))
		if status != http.StatusOK || tokens["token_type"] != "DPoP" {
			t.Fatalf("%d %v", status, tokens)
		}
		token, atAPI := tokens.String("access_token"), *rp.key
		atAPI.base = w.Remote
		if status, h := called(t, "POST", w.Remote+path, token, "Authorization", "DPoP "+token, "DPoP", atAPI.proofWith(token, "POST", path, nil)); status != http.StatusCreated {
			t.Errorf("with a proof: %d %v", status, h)
		}
		if status, h := called(t, "POST", w.Remote+path, token); status != http.StatusUnauthorized || !strings.Contains(h.Get("WWW-Authenticate"), "invalid_token") {
			t.Errorf("as a bearer token: %d %v", status, h)
		}
	})
}
