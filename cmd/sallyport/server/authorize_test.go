package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

const (
	acr1FA   = "urn:sallyport:acr:1fa"
	acr2FA   = "urn:sallyport:acr:2fa"
	aliasSFA = "https://refeds.org/profile/sfa"
	aliasMFA = "https://refeds.org/profile/mfa"
	aliasOld = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"
)

func essential(claim string) url.Values {
	return url.Values{"claims": {`{"id_token":{` + claim + `}}`}}
}

var essential2FA = essential(`"acr":{"essential":true,"value":"` + acr2FA + `"}`)

// A mistake in a parameter is answered to the product, before anybody is asked
// anything.
func TestAuthorizeMistakes(t *testing.T) {
	d := start(t)
	signedIn, nobody := member(t, d, ana), visitor(t)
	r := rp(t, d, first)
	for name, c := range map[string]struct {
		more url.Values
		code string
	}{
		"no response_type":      {url.Values{"response_type": {""}}, "invalid_request"},
		"implicit":              {url.Values{"response_type": {"token"}}, "unsupported_response_type"},
		"no scope":              {url.Values{"scope": {""}}, "invalid_scope"},
		"no openid":             {url.Values{"scope": {"profile email"}}, "invalid_scope"},
		"openid in capitals":    {url.Values{"scope": {"OPENID"}}, "invalid_scope"},
		"none and login":        {url.Values{"prompt": {"none login"}}, "invalid_request"},
		"none and consent":      {url.Values{"prompt": {"consent none"}}, "invalid_request"},
		"none and none":         {url.Values{"prompt": {"none none"}}, "invalid_request"},
		"unknown prompt":        {url.Values{"prompt": {"create"}}, "invalid_request"},
		"max_age in words":      {url.Values{"max_age": {"an hour"}}, "invalid_request"},
		"negative max_age":      {url.Values{"max_age": {"-1"}}, "invalid_request"},
		"max_age with fraction": {url.Values{"max_age": {"1.5"}}, "invalid_request"},
		"huge max_age":          {url.Values{"max_age": {"99999999999999999999"}}, "invalid_request"},
		"claims no JSON":        {url.Values{"claims": {"acr"}}, "invalid_request"},
		"claims a list":         {url.Values{"claims": {"[]"}}, "invalid_request"},
		"claims of wrong type":  {essential(`"acr":true`), "invalid_request"},
		"acr a number":          {essential(`"acr":{"essential":true,"value":2}`), "invalid_request"},
		"acr a list of numbers": {essential(`"acr":{"values":[2]}`), "invalid_request"},
		"sub a number":          {essential(`"sub":{"value":2}`), "invalid_request"},
		"mfa_time negative":     {essential(`"mfa_time":{"max_age":-1}`), "invalid_request"},
		"mfa_time in words":     {essential(`"mfa_time":{"max_age":"900"}`), "invalid_request"},
		"id_token_hint no JWT":  {url.Values{"id_token_hint": {"x"}}, "invalid_request"},
		"response_mode unknown": {url.Values{"response_mode": {"web_message"}}, "invalid_request"},
		"a mistake, silently":   {url.Values{"prompt": {"none"}, "max_age": {"x"}}, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, p := range []*servertest.Person{signedIn, nobody} {
				mustError(t, d, answered(t, p.Go(r.AuthorizeURL(c.more))), c.code)
			}
		})
	}
	q := answered(t, nobody.Go(r.AuthorizeURL(url.Values{"state": {""}, "scope": {"x"}})))
	if q.Has("state") || q.Get("error") != "invalid_scope" || q.Get("iss") != d.URL {
		t.Errorf("without state: %v", q)
	}
}

// What can't be answered to the product is shown to whoever sits there: what
// was expected, what came, and a reference.
func TestAuthorizeDeveloperPage(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		p, r := member(t, d, ana), rp(t, d, first)
		good := r.AuthorizeURL(nil)
		for name, c := range map[string]struct{ address, code, says string }{
			"no client_id":      {r.AuthorizeURL(url.Values{"client_id": {""}}), "invalid_request", "client_id"},
			"unknown client_id": {r.AuthorizeURL(url.Values{"client_id": {"nobody"}}), "invalid_client", "nobody"},
			"no text":           {r.AuthorizeURL(url.Values{"client_id": {"\x00"}}), "invalid_client", "client_id"},
			"no UTF-8":          {r.AuthorizeURL(url.Values{"client_id": {"\xff"}}), "invalid_client", "client_id"},
			"no redirect_uri":   {r.AuthorizeURL(url.Values{"redirect_uri": {""}}), "invalid_request", "redirect_uri"},
			"unregistered":      {r.AuthorizeURL(url.Values{"redirect_uri": {"https://evil.example/"}}), "invalid_request", site + "/callback"},
			"another client's":  {r.AuthorizeURL(url.Values{"redirect_uri": {site + "/brief"}}), "invalid_request", site + "/brief"},
			"markup":            {r.AuthorizeURL(url.Values{"redirect_uri": {"https://evil.example/<script>alert(1)</script>"}}), "invalid_request", "<script>alert(1)</script>"},
			"broken encoding":   {good + "&x=%zz", "invalid_request", "application/x-www-form-urlencoded"},
			"a semicolon":       {good + ";x=1", "invalid_request", "application/x-www-form-urlencoded"},
			"nothing":           {d.URL + "/authorize", "invalid_request", "client_id"},
		} {
			t.Run(name, func(t *testing.T) {
				p.Go(c.address).MustBeAt("/authorize").MustRead(c.code).MustRead(c.says).MustRead(p.Header.Get("X-Request-Id"))
				if p.Status != http.StatusBadRequest || p.URL.Host != strings.TrimPrefix(d.URL, "http://") || p.Header.Get("X-Request-Id") == "" {
					t.Errorf("%d at %s", p.Status, p.URL)
				}
				if len(p.All("script")) != 1 { // the page's own
					t.Errorf("scripts: %q", p.All("script"))
				}
			})
		}
		u, _ := url.Parse(good)
		p.Post(d.URL+"/authorize?"+u.RawQuery, url.Values{"x": {"1"}}).MustBeAt("/authorize").MustRead("not in both")
		if p.Status != http.StatusBadRequest {
			t.Errorf("query and body: %d", p.Status)
		}
		// The provider's own pages are clients that get no code.
		p.Go(d.URL + "/authorize?client_id=sallyport-account&response_type=code&scope=openid&redirect_uri=" + url.QueryEscape(d.URL+"/account/entered"))
		if p.URL.Query().Has("code") {
			t.Errorf("an internal client got a code: %s", p.URL)
		}
	})
}

// POST is as good as GET (OpenID Connect Core section 3.1.2.1), also from
// another site, whose POST comes without cookies: it is answered by a redirect
// that brings them.
func TestAuthorizePost(t *testing.T) {
	d := start(t)
	p, r := member(t, d, ana), rp(t, d, first)
	u, _ := url.Parse(r.AuthorizeURL(url.Values{"state": {"a&b=c;d é"}}))
	req, err := http.NewRequest(http.MethodPost, d.URL+"/authorize", strings.NewReader(u.RawQuery))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", "https://rp.example")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) > 0 {
		t.Fatalf("%d, cookies %v", resp.StatusCode, resp.Cookies())
	}
	q := answered(t, p.Go(d.URL+resp.Header.Get("Location")))
	if q.Get("code") == "" || q.Get("state") != "a&b=c;d é" {
		t.Errorf("%v", q)
	}
	if q := answered(t, p.Post(d.URL+"/authorize", url.Values{"client_id": {first}, "redirect_uri": {r.RedirectURI}, "state": {"some state"}})); q.Get("error") != "invalid_request" {
		t.Errorf("%v", q)
	}
}

// prompt=none never shows a page, and says exactly why not (OpenID Connect
// Core section 3.1.2.6).
func TestAuthorizeSilently(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		none := func(more url.Values) url.Values {
			out := url.Values{"prompt": {"none"}}
			for name, values := range more {
				out[name] = values
			}
			return out
		}
		withApp, _, _ := twoFactors(t, d, mia)
		d.Clock.Advance(time.Second)
		onePassword := member(t, d, ana)
		stranger := member(t, d, ben)
		hint := tokensFor(t, stranger, rp(t, d, first), nil).String("id_token")
		for name, c := range map[string]struct {
			who    *servertest.Person
			client string
			more   url.Values
			code   string
		}{
			"nobody":              {visitor(t), first, nil, "login_required"},
			"another person":      {onePassword, first, url.Values{"id_token_hint": {hint}}, "login_required"},
			"max_age=0":           {onePassword, first, url.Values{"max_age": {"0"}}, "login_required"},
			"consent":             {onePassword, third, nil, "consent_required"},
			"nothing enrolled":    {onePassword, first, essential2FA, "interaction_required"},
			"min_acr":             {onePassword, strict, nil, "interaction_required"},
			"no such acr":         {withApp, first, essential(`"acr":{"essential":true,"value":"urn:none"}`), "unmet_authentication_requirements"},
			"not reachable":       {withApp, first, essential(`"acr":{"essential":true,"value":"phrh"}`), "unmet_authentication_requirements"},
			"code too long ago":   {withApp, first, essential(`"mfa_time":{"essential":true,"max_age":0}`), "login_required"},
			"closed":              {onePassword, foreign, nil, "access_denied"},
			"good":                {onePassword, first, nil, ""},
			"voluntary":           {onePassword, first, url.Values{"acr_values": {acr2FA}}, ""},
			"voluntary in claims": {onePassword, first, essential(`"acr":{"value":"` + acr2FA + `"}`), ""},
			"met":                 {withApp, first, essential2FA, ""},
			"min_acr met":         {withApp, strict, nil, ""},
		} {
			t.Run(name, func(t *testing.T) {
				q := answered(t, c.who.Go(rp(t, d, c.client).AuthorizeURL(none(c.more))))
				if c.code != "" {
					mustError(t, d, q, c.code)
				} else if q.Get("code") == "" {
					t.Errorf("no code: %v", q)
				}
			})
		}

		// Somebody who has an app, and has proved a password alone.
		change(t, d, mia, func(tx *storage.Tx, id string) error { return tx.SetTwoStep(t.Context(), id, false, d.Clock.Now()) })
		p := member(t, d, mia)
		mustError(t, d, answered(t, p.Go(rp(t, d, first).AuthorizeURL(none(essential2FA)))), "login_required")

		// A person who was disabled meanwhile.
		change(t, d, mia, func(tx *storage.Tx, id string) error { return tx.DisableUser(t.Context(), id, true, d.Clock.Now()) })
		mustError(t, d, answered(t, p.Go(rp(t, d, first).AuthorizeURL(none(nil)))), "access_denied")
	})
}

func TestAuthorizePromptLogin(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		p, r := member(t, d, ana), rp(t, d, first)
		before := d.Clock.Now()
		d.Clock.Advance(10 * time.Second)
		for _, more := range []url.Values{{"prompt": {"login"}}, {"max_age": {"0"}}, {"max_age": {"9"}}, {"prompt": {"login consent"}}} {
			p.Go(r.AuthorizeURL(more)).MustBeAt("/login/password").MustRead(ana)
			request := p.URL.String()
			// Going around the page leads back to it.
			p.Go(strings.Replace(request, "/login/password", "/authorize/continue", 1)).MustBeAt("/login/password")
			signIn(p, ana)
			if more.Get("prompt") == "login consent" {
				p.MustBeAt("/login/consent").Submit(map[string]string{"allow": "1"})
			}
			status, tokens := r.Exchange(answered(t, p).Get("code"), nil)
			if status != 200 {
				t.Fatalf("%v: %d %v", more, status, tokens)
			}
			if got := servertest.Claims(t, tokens.String("id_token"))["auth_time"]; got != float64(d.Clock.Now().Unix()) {
				t.Errorf("%v: auth_time %v", more, got)
			}
			d.Clock.Advance(10 * time.Second)
		}
		for _, more := range []url.Values{{"max_age": {"60"}}, {"max_age": {""}}, nil} {
			got := servertest.Claims(t, tokensFor(t, p, r, more).String("id_token"))["auth_time"]
			if got == float64(before.Unix()) || got == float64(d.Clock.Now().Unix()) {
				t.Errorf("%v: auth_time %v", more, got)
			}
		}
		d.Clock.Advance(51 * time.Second) // 61 since
		p.Go(r.AuthorizeURL(url.Values{"max_age": {"60"}})).MustBeAt("/login/password")
	})
}

func TestAuthorizeSelectAccount(t *testing.T) {
	d := start(t)
	p, r := member(t, d, ana), rp(t, d, first)
	d.Clock.Advance(time.Second)
	ask := r.AuthorizeURL(url.Values{"prompt": {"select_account"}})
	p.Go(ask).MustBeAt("/login/account").MustRead("Ana Operator").Submit(map[string]string{"account": "this"})
	if answered(t, p).Get("code") == "" {
		t.Errorf("no code: %s", p.URL)
	}
	p.Go(ask).MustBeAt("/login/account").Submit(map[string]string{"account": "other"})
	p.MustBeAt("/login/password")
	if p.Has("[value=" + ana + "]") {
		t.Error("her address is still in the form")
	}
	signIn(p, ben)
	_, tokens := r.Exchange(answered(t, p).Get("code"), nil)
	_, who := r.Userinfo(tokens.String("access_token"))
	if who["email"] != ben {
		t.Errorf("%v", who)
	}
	// Without a session there is nothing to choose from.
	visitor(t).Go(ask).MustBeAt("/login/password")
}

func TestAuthorizeACR(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		p, key, _ := twoFactors(t, d, ana)
		r := rp(t, d, first)
		list := func(values ...string) string { b, _ := json.Marshal(values); return string(b) }
		for _, c := range []struct {
			more url.Values
			want string
		}{
			{nil, acr2FA},
			{url.Values{"acr_values": {aliasMFA}}, aliasMFA},
			{url.Values{"acr_values": {aliasOld}}, aliasOld},
			{url.Values{"acr_values": {aliasSFA}}, aliasSFA},
			{url.Values{"acr_values": {acr1FA}}, acr1FA},
			{url.Values{"acr_values": {"urn:none " + aliasMFA + " " + acr2FA}}, aliasMFA},
			{url.Values{"acr_values": {"phr " + acr2FA + " " + aliasMFA}}, acr2FA},
			{url.Values{"acr_values": {"urn:none"}}, acr2FA},
			{essential(`"acr":{"essential":true,"value":"` + aliasMFA + `"}`), aliasMFA},
			{essential(`"acr":{"essential":true,"values":` + list("phr", aliasOld, acr2FA) + `}`), aliasOld},
			{essential(`"acr":{"essential":true}`), acr2FA},
			{essential(`"acr":null`), acr2FA},
			// The claims parameter wins over acr_values.
			{url.Values{"acr_values": {acr1FA}, "claims": {`{"id_token":{"acr":{"value":"` + aliasMFA + `"}}}`}}, aliasMFA},
		} {
			claims := servertest.Claims(t, tokensFor(t, p, r, c.more).String("id_token"))
			if claims["acr"] != c.want || fmt.Sprint(claims["amr"]) != "[pwd otp mfa]" {
				t.Errorf("%v: acr %v, amr %v", c.more, claims["acr"], claims["amr"])
			}
		}

		// mfa_time: the code alone is asked for again, and auth_time stays.
		was := servertest.Claims(t, tokensFor(t, p, r, nil).String("id_token"))
		recent := essential(`"mfa_time":{"essential":true,"max_age":900}`)
		d.Clock.Advance(899 * time.Second)
		tokensFor(t, p, r, recent)
		d.Clock.Advance(2 * time.Second)
		p.Go(r.AuthorizeURL(recent)).MustBeAt("/login/totp").Submit(map[string]string{"code": servertest.Code(t, key, d.Clock.Now())})
		_, tokens := r.Exchange(answered(t, p).Get("code"), nil)
		now := servertest.Claims(t, tokens.String("id_token"))
		if now["auth_time"] != was["auth_time"] || now["mfa_time"] != float64(d.Clock.Now().Unix()) || was["mfa_time"] == now["mfa_time"] {
			t.Errorf("from %v to %v", was, now)
		}
		times, _ := now["amr_times"].(map[string]any)
		if times["otp"] != now["mfa_time"] || times["mfa"] != now["mfa_time"] || times["pwd"] != now["auth_time"] {
			t.Errorf("amr_times: %v of %v", times, now)
		}
	})
}

// Voluntary and unmet: the person is asked, and [Not now] gives the true acr.
// Essential and unmet: [Not now] is an error.
func TestAuthorizeNotNow(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r := rp(t, d, first)
		twoFactors(t, d, mia)
		change(t, d, mia, func(tx *storage.Tx, id string) error { return tx.SetTwoStep(t.Context(), id, false, d.Clock.Now()) })
		for who, page := range map[string]string{ana: "/login/why", mia: "/login/totp"} {
			p := member(t, d, who)
			for name, more := range map[string]url.Values{
				"acr_values":          {"acr_values": {aliasMFA}},
				"acr without a value": essential(`"acr":{"value":"` + acr2FA + `"}`),
				"mfa_time":            essential(`"mfa_time":{"max_age":900}`),
			} {
				p.Go(r.AuthorizeURL(more)).MustBeAt(page).MustRead("First").Submit(map[string]string{"later": "1"})
				status, tokens := r.Exchange(answered(t, p).Get("code"), nil)
				if status != 200 {
					t.Fatalf("%s, %s: %d %v", who, name, status, p.URL)
				}
				claims := servertest.Claims(t, tokens.String("id_token"))
				if claims["acr"] != acr1FA || fmt.Sprint(claims["amr"]) != "[pwd]" || claims["mfa_time"] != nil {
					t.Errorf("%s, %s: %v", who, name, claims)
				}
			}
			for name, more := range map[string]url.Values{
				"acr":      essential2FA,
				"mfa_time": essential(`"mfa_time":{"essential":true,"max_age":900}`),
				"beside":   {"claims": essential2FA["claims"], "acr_values": {acr1FA}},
			} {
				p.Go(r.AuthorizeURL(more)).MustBeAt(page).Submit(map[string]string{"later": "1"})
				q := answered(t, p)
				if q.Get("error") != "unmet_authentication_requirements" {
					t.Errorf("%s, %s: %v", who, name, q)
				}
				mustError(t, d, q, "unmet_authentication_requirements")
			}
		}
		// What nobody can prove is said, and answered.
		p := member(t, d, ana)
		p.Go(r.AuthorizeURL(essential(`"acr":{"essential":true,"value":"urn:none"}`))).MustRead("no way to confirm").SubmitTo("/login/cancel")
		mustError(t, d, answered(t, p), "unmet_authentication_requirements")
		// The product's own minimum can't be put off.
		p.Go(rp(t, d, strict).AuthorizeURL(nil)).MustBeAt("/login/why").MustRead("Strict")
		if p.Has("[name=later]") {
			t.Error("[Not now] where it would be of no use")
		}
		p.Post(p.URL.String(), url.Values{"later": {"1"}, "form_token": {fieldOf(t, p, "form_token")}})
		p.MustBeAt("/login/why")
	})
}

func TestAuthorizeLoginHintAndLanguage(t *testing.T) {
	d := start(t)
	r := rp(t, d, first)
	p := visitor(t).Go(r.AuthorizeURL(url.Values{"login_hint": {`"><b>ana@acme.example`}}))
	p.MustBeAt("/login/password")
	if !p.Has(`[value="><b>ana@acme.example]`) || len(p.All("b")) > 0 {
		t.Errorf("login_hint isn't prefilled: %s", p.Text())
	}
	for locales, want := range map[string]string{"de": "de", "de-CH en": "de", "fr de": "de", "en de": "en", "xx": "en", "": "en"} {
		p := visitor(t).Go(r.AuthorizeURL(url.Values{"ui_locales": {locales}}))
		if !p.Has("[lang="+want+"]") || want == "de" != strings.Contains(p.Text(), "Anmelden") {
			t.Errorf("ui_locales %q: %s", locales, p.Text())
		}
	}
}

func TestAuthorizeIDTokenHint(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		p, r := member(t, d, ana), rp(t, d, first)
		own := tokensFor(t, p, r, nil)
		bens := tokensFor(t, member(t, d, ben), rp(t, d, elliptic), nil)
		sub := func(a servertest.Answer) string {
			s, _ := servertest.Claims(t, a.String("id_token"))["sub"].(string)
			return s
		}
		hint := func(s string) url.Values { return url.Values{"id_token_hint": {s}} }
		parts := strings.Split(own.String("id_token"), ".")
		for name, forged := range map[string]string{
			"without signature": parts[0] + "." + parts[1] + ".",
			"alg none":          "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + parts[1] + ".",
			"another payload":   parts[0] + "." + strings.Split(bens.String("id_token"), ".")[1] + "." + parts[2],
			"an access token":   own.String("access_token"),
		} {
			t.Run(name, func(t *testing.T) {
				mustError(t, d, answered(t, p.Go(r.AuthorizeURL(hint(forged)))), "invalid_request")
			})
		}
		codeFor(t, p, r, hint(own.String("id_token")))
		codeFor(t, p, r, essential(`"sub":{"value":"`+sub(own)+`"}`))
		d.Clock.Advance(10 * time.Minute) // it has expired, and still says who
		codeFor(t, p, r, hint(own.String("id_token")))

		// Another person than the one signed in is asked for, by a hint or by sub.
		for _, more := range []url.Values{hint(bens.String("id_token")), essential(`"sub":{"essential":true,"value":"` + sub(bens) + `"}`)} {
			p.Go(r.AuthorizeURL(more)).MustBeAt("/login/password")
			signIn(p, ana)
			mustError(t, d, answered(t, p), "login_required")
			d.Clock.Advance(time.Second)
			p.Go(r.AuthorizeURL(more)).MustBeAt("/login/password")
			signIn(p, ben)
			_, tokens := r.Exchange(answered(t, p).Get("code"), nil)
			if tokens["id_token"] == nil || sub(tokens) != sub(bens) {
				t.Errorf("%v: %v", more, tokens)
			}
			// Ben's session has taken the place of Ana's in this browser.
			p.Go(r.AuthorizeURL(url.Values{"prompt": {"login"}}))
			p = member(t, d, ana)
			d.Clock.Advance(time.Second)
		}
		contradiction := hint(own.String("id_token"))
		contradiction["claims"] = essential(`"sub":{"value":"` + sub(bens) + `"}`)["claims"]
		mustError(t, d, answered(t, p.Go(r.AuthorizeURL(contradiction))), "invalid_request")
	})
}

func TestAuthorizeConsent(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		p, r := member(t, d, ana), rp(t, d, third)
		p.Go(r.AuthorizeURL(nil)).MustBeAt("/login/consent").MustRead("Third").MustRead("See your e-mail address").Submit(map[string]string{"deny": "1"})
		mustError(t, d, answered(t, p), "access_denied")
		p.Go(r.AuthorizeURL(nil)).MustBeAt("/login/consent") // a no isn't remembered
		p.Submit(map[string]string{"allow": "1"})
		if answered(t, p).Get("code") == "" {
			t.Fatalf("no code: %s", p.URL)
		}
		codeFor(t, p, r, nil) // a yes is
		codeFor(t, p, r, url.Values{"scope": {"openid email"}})
		codeFor(t, member(t, d, ana), r, nil) // in another browser too
		p.Go(r.AuthorizeURL(url.Values{"scope": {"openid profile email phone"}})).MustBeAt("/login/consent").MustRead("See your phone number")
		p.Go(r.AuthorizeURL(url.Values{"prompt": {"consent"}})).MustBeAt("/login/consent").Submit(map[string]string{"allow": "1"})
		if answered(t, p).Get("code") == "" {
			t.Errorf("no code: %s", p.URL)
		}
		p.Go(rp(t, d, first).AuthorizeURL(url.Values{"prompt": {"consent"}})).MustBeAt("/login/consent")
		member(t, d, ben).Go(r.AuthorizeURL(nil)).MustBeAt("/login/consent") // one's own
	})
}

func TestAuthorizeCancel(t *testing.T) {
	d := start(t)
	for name, to := range map[string]func() *servertest.Person{
		"password": func() *servertest.Person { return visitor(t).Go(rp(t, d, first).AuthorizeURL(nil)) },
		"account": func() *servertest.Person {
			return member(t, d, ana).Go(rp(t, d, first).AuthorizeURL(url.Values{"prompt": {"select_account"}}))
		},
		"why": func() *servertest.Person { return member(t, d, ana).Go(rp(t, d, strict).AuthorizeURL(nil)) },
		"set-up": func() *servertest.Person {
			return member(t, d, ana).Go(rp(t, d, strict).AuthorizeURL(nil)).Submit(map[string]string{"set_up": "1"})
		},
		"consent": func() *servertest.Person { return member(t, d, ana).Go(rp(t, d, third).AuthorizeURL(nil)) },
	} {
		t.Run(name, func(t *testing.T) {
			p := to().MustBeAt("/login/" + name)
			request := p.URL.Query().Get("r")
			if name == "consent" {
				p.Submit(map[string]string{"deny": "1"})
			} else {
				p.SubmitTo("/login/cancel")
			}
			mustError(t, d, answered(t, p), "access_denied")
			p.Go(d.URL + "/authorize/continue?r=" + request)
			if p.Status != http.StatusGone || p.URL.Query().Has("error") {
				t.Errorf("answered twice: %d at %s", p.Status, p.URL)
			}
		})
	}
}

// A product for another company's people shows that, and says so to the
// product, not to the person alone.
func TestAuthorizeClosedProduct(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r := rp(t, d, foreign)
		p := member(t, d, ana).Go(r.AuthorizeURL(nil)).MustRead("You have no access").MustRead("Foreign").MustRead(ana + " may not")
		if p.Status != http.StatusForbidden {
			t.Errorf("status %d", p.Status)
		}
		mustError(t, d, answered(t, p.SubmitTo("/login/cancel")), "access_denied")
		codeFor(t, member(t, d, gus), r, nil)
		if strings.Contains(d.Log.String(), "message without a value") {
			t.Error("the page lacks a value")
		}
	})
}

// Scopes nobody knows, and those the product may not ask for, are left out.
func TestAuthorizeScope(t *testing.T) {
	d := start(t)
	p := member(t, d, mia)
	for _, c := range []struct{ client, asked, granted string }{
		{first, "openid nonsense email", "openid email"},
		{first, "email openid  openid email", "email openid"},
		{first, "openid offline_access", "openid offline_access"},
		{brief, "openid phone offline_access email", "openid email"},
	} {
		tokens := tokensFor(t, p, rp(t, d, c.client), url.Values{"scope": {c.asked}})
		if tokens["scope"] != c.granted {
			t.Errorf("%s asked for %q and got %q", c.client, c.asked, tokens["scope"])
		}
	}
}

func TestAuthorizeNonce(t *testing.T) {
	d := start(t)
	p, r := member(t, d, ana), rp(t, d, first)
	for _, nonce := range []string{"", "n-0S6_WzA2Mj", `"é\u0000` + strings.Repeat("n", 300)} {
		claims := servertest.Claims(t, tokensFor(t, p, r, url.Values{"nonce": {nonce}}).String("id_token"))
		if got, has := claims["nonce"]; has != (nonce != "") || has && got != nonce {
			t.Errorf("nonce %q came back as %v", nonce, got)
		}
	}
	claims := servertest.Claims(t, tokensFor(t, p, r, nil).String("id_token"))
	names := make([]string, 0, len(claims))
	for name := range claims {
		names = append(names, name)
	}
	slices.Sort(names)
	// No personal claim without being asked for.
	if got := strings.Join(names, " "); got != "acr amr amr_times at_hash aud auth_time exp iat iss nonce sid sub" {
		t.Errorf("ID token has %s", got)
	}
}
