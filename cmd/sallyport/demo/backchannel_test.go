package demo_test

import (
	"net/http"
	"net/url"
	"testing"
)

// deliver posts a logout token as a provider does and returns the status.
func deliver(t *testing.T, product, token string) int {
	t.Helper()
	resp, err := http.PostForm(product+"/backchannel-logout", url.Values{"logout_token": {token}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.Header.Get("Cache-Control") != "no-store" {
		t.Error("the answer may be cached")
	}
	return resp.StatusCode
}

func TestBackchannelLogout(t *testing.T) {
	const event = "http://schemas.openid.net/event/backchannel-logout"
	tests := map[string]struct {
		typ   string
		spoil func(op *testProvider, c claims)
		ends  bool
		ok    bool
	}{
		"sid and sub":          {typ: "logout+jwt", ok: true, ends: true},
		"long type":            {typ: "application/logout+jwt", ok: true, ends: true},
		"sid alone":            {typ: "logout+jwt", spoil: func(_ *testProvider, c claims) { delete(c, "sub") }, ok: true, ends: true},
		"sub alone":            {typ: "logout+jwt", spoil: func(_ *testProvider, c claims) { delete(c, "sid") }, ok: true, ends: true},
		"another session":      {typ: "logout+jwt", spoil: func(_ *testProvider, c claims) { c["sid"] = "sid-2" }, ok: true},
		"another person":       {typ: "logout+jwt", spoil: func(_ *testProvider, c claims) { c["sub"] = "ben"; delete(c, "sid") }, ok: true},
		"sid of another sub":   {typ: "logout+jwt", spoil: func(_ *testProvider, c claims) { c["sub"] = "ben" }, ok: true},
		"with nonce":           {typ: "logout+jwt", spoil: func(_ *testProvider, c claims) { c["nonce"] = "n" }},
		"with empty nonce":     {typ: "logout+jwt", spoil: func(_ *testProvider, c claims) { c["nonce"] = "" }},
		"wrong aud":            {typ: "logout+jwt", spoil: func(_ *testProvider, c claims) { c["aud"] = "another" }},
		"wrong iss":            {typ: "logout+jwt", spoil: func(_ *testProvider, c claims) { c["iss"] = "https://evil.example" }},
		"no events":            {typ: "logout+jwt", spoil: func(_ *testProvider, c claims) { delete(c, "events") }},
		"another event":        {typ: "logout+jwt", spoil: func(_ *testProvider, c claims) { c["events"] = claims{"urn:other": claims{}} }},
		"event isn't object":   {typ: "logout+jwt", spoil: func(_ *testProvider, c claims) { c["events"] = claims{event: "yes"} }},
		"no jti":               {typ: "logout+jwt", spoil: func(_ *testProvider, c claims) { delete(c, "jti") }},
		"no iat":               {typ: "logout+jwt", spoil: func(_ *testProvider, c claims) { delete(c, "iat") }},
		"no exp":               {typ: "logout+jwt", spoil: func(_ *testProvider, c claims) { delete(c, "exp") }},
		"expired":              {typ: "logout+jwt", spoil: func(op *testProvider, c claims) { c["exp"] = op.clock.Now().Unix() - 1 }},
		"issued in the future": {typ: "logout+jwt", spoil: func(op *testProvider, c claims) { c["iat"] = op.clock.Now().Unix() + 120 }},
		"neither sub nor sid":  {typ: "logout+jwt", spoil: func(_ *testProvider, c claims) { delete(c, "sub"); delete(c, "sid") }},
		"type of an ID token":  {typ: "JWT"},
		"no type":              {typ: ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			op := newTestProvider(t)
			op.twoFactors("phr")
			product := startRemoteControl(t, op)
			ana := newPerson(t, product)
			session := ana.press(ana.get("/login"), startFrontDesk)
			session.mustShow(t, 200, `id="remote-session"`)

			token := op.logoutToken(test.typ, func(c claims) {
				if test.spoil != nil {
					test.spoil(op, c)
				}
			})
			status := deliver(t, product.URL, token)
			if want := map[bool]int{true: 200, false: 400}[test.ok]; status != want {
				t.Errorf("answered %d, want %d", status, want)
			}
			if ana.signedIn() == test.ends {
				t.Errorf("still signed in: %t", !test.ends)
			}
			screen := ana.get(session.url.Path + "/screen.json").status
			if want := map[bool]int{true: http.StatusGone, false: http.StatusOK}[test.ends]; screen != want {
				t.Errorf("the remote session's screen answers %d, want %d", screen, want)
			}
			if test.ends {
				// Both the next request and the page that was open say why.
				ana.get("/").mustShow(t, 200, "You were signed out by Sallyport")
				ana.get(session.url.Path).mustShow(t, 200, "You were signed out by Sallyport")
			}
		})
	}
}

func TestBackchannelLogoutIsNotReplayed(t *testing.T) {
	op := newTestProvider(t)
	product := startDashboard(t, op)
	ana := newPerson(t, product)
	ana.get("/login")
	token := op.logoutToken("logout+jwt", nil)
	if status := deliver(t, product.URL, token); status != 200 || ana.signedIn() {
		t.Fatalf("answered %d", status)
	}
	ana.get("/login").mustNotShow(t, "You were signed out by Sallyport")
	if status := deliver(t, product.URL, token); status != 400 || !ana.signedIn() {
		t.Errorf("replay answered %d", status)
	}
	if status := deliver(t, product.URL, op.logoutToken("logout+jwt", nil)); status != 200 || ana.signedIn() {
		t.Errorf("a fresh one answered %d", status)
	}
}

func TestBackchannelLogoutRefusesForeignSignatures(t *testing.T) {
	op := newTestProvider(t)
	product := startDashboard(t, op)
	ana := newPerson(t, product)
	ana.get("/login")
	now := op.clock.Now().Unix()
	forged := sign(t, newKey(t), "logout+jwt", claims{
		"iss": op.URL, "aud": clientID, "iat": now, "exp": now + 60, "jti": "j", "sub": "ana",
		"events": claims{"http://schemas.openid.net/event/backchannel-logout": claims{}},
	})
	for name, token := range map[string]string{"forged": forged, "empty": "", "rubbish": "a.b.c"} {
		if status := deliver(t, product.URL, token); status != 400 || !ana.signedIn() {
			t.Errorf("%s: answered %d", name, status)
		}
	}
	// In the query it may have been logged or pasted by anybody: only the body counts.
	resp, err := http.Post(product.URL+"/backchannel-logout?logout_token="+op.logoutToken("logout+jwt", nil), "application/x-www-form-urlencoded", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 400 || !ana.signedIn() {
		t.Errorf("token in the query: answered %d", resp.StatusCode)
	}
}

// TestSignInUnderWayOutlivesTheLogout is enrolment: the provider ends all
// sessions while the person is on the way to a new one.
func TestSignInUnderWayOutlivesTheLogout(t *testing.T) {
	op := newTestProvider(t)
	product := startRemoteControl(t, op)
	ana := newPerson(t, product)
	machines := ana.get("/login")
	var delivered int
	op.set(func() {
		op.grow = func(url.Values) {
			delivered = deliver(t, product.URL, op.logoutToken("logout+jwt", nil))
			op.twoFactors("urn:sallyport:acr:2fa")
			op.person["sid"] = "sid-2"
		}
	})
	ana.press(machines, startFrontDesk).mustShow(t, 200, `id="remote-session"`)
	if delivered != 200 {
		t.Fatalf("logout token answered %d", delivered)
	}
	// The old session's logout, delivered again late, doesn't touch the new one.
	if status := deliver(t, product.URL, op.logoutToken("logout+jwt", nil)); status != 200 || !ana.signedIn() {
		t.Errorf("answered %d", status)
	}
}
