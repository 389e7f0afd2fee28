package demo_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const startFrontDesk = "/machines/front-desk/start"

// twoFactors is what the provider of the test says once a second factor was proved.
func (p *testProvider) twoFactors(acr string) {
	p.person["acr"], p.person["amr"], p.person["mfa_time"] = acr, []string{"pwd", "otp", "mfa"}, p.clock.Now().Unix()
}

func TestStepUpStartsTheSession(t *testing.T) {
	op := newTestProvider(t)
	op.grow = func(url.Values) { op.twoFactors("urn:sallyport:acr:2fa") }
	ana := newPerson(t, startRemoteControl(t, op))
	machines := ana.get("/login")
	machines.mustShow(t, 200, `id="start-front-desk"`, `id="start-orchard-server"`, "You will be asked for it once")

	session := ana.press(machines, startFrontDesk)
	session.mustShow(t, 200, `id="remote-session"`, `<code id="claim-acr">urn:sallyport:acr:2fa</code>`, "pwd otp mfa",
		`datetime="2026-03-04T09:00:00Z"`, `<output id="elapsed" aria-live="off">00:00</output>`)
	asked := op.requests()
	if len(asked) != 2 || asked[1].Get("acr_values") != "urn:sallyport:acr:2fa" {
		t.Fatalf("asked %v", asked)
	}

	// Another machine: no question.
	ana.press(ana.get("/"), "/machines/orchard%20server/start").mustShow(t, 200, `<h1>orchard server</h1>`)
	if n := len(op.requests()); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
	ana.get("/").mustShow(t, 200, "Two-step verification done", "Running: watch")
}

func TestSessionTicksAndEnds(t *testing.T) {
	op := newTestProvider(t)
	op.twoFactors("phr")
	ana := newPerson(t, startRemoteControl(t, op))
	session := ana.press(ana.get("/login"), startFrontDesk)
	op.clock.Advance(65 * time.Second)
	ana.get(session.url.Path).mustShow(t, 200, `<output id="elapsed" aria-live="off">01:05</output>`, `<noscript><meta http-equiv="refresh" content="2"></noscript>`)
	ana.get(session.url.Path+"/screen.json").mustShow(t, 200, `"elapsed":"01:05"`)

	// Somebody else, even signed in with two factors, sees nothing of it.
	mallory := newPerson(t, startRemoteControl(t, op))
	mallory.base = ana.base
	op.set(func() { op.person["sub"] = "mallory" })
	mallory.get("/login")
	mallory.get(session.url.Path).mustShow(t, 404, "has ended")
	mallory.get(session.url.Path+"/screen.json").mustShow(t, 410)

	ana.press(session, session.url.Path+"/end")
	ana.get(session.url.Path).mustShow(t, 404, "has ended")
	ana.get(session.url.Path+"/screen.json").mustShow(t, 410)
}

func TestOnlyTheTokensAcrStartsASession(t *testing.T) {
	for acr, starts := range map[string]bool{
		"urn:sallyport:acr:2fa": true, "phr": true, "phrh": true, "https://refeds.org/profile/mfa": true,
		"urn:sallyport:acr:1fa": false, "urn:sallyport:acr:2sv": false, "": false,
		"urn:sallyport:acr:2fa ": false, "URN:SALLYPORT:ACR:2FA": false, "phrx": false,
	} {
		t.Run("acr="+acr, func(t *testing.T) {
			op := newTestProvider(t)
			op.person["acr"] = acr // whatever is asked for
			// amr alone, mfa_time alone, a claim of UserInfo, or having asked, is not enough.
			op.person["amr"], op.person["mfa_time"] = []string{"pwd", "otp", "mfa"}, op.clock.Now().Unix()
			op.userInfo = func(c claims) { c["acr"] = "urn:sallyport:acr:2fa" }
			ana := newPerson(t, startRemoteControl(t, op))
			after := ana.press(ana.get("/login"), startFrontDesk)
			if starts {
				after.mustShow(t, 200, `id="remote-session"`)
				return
			}
			after.mustShow(t, 403, "Two-step verification is needed", "was not started", `action="/machines/front-desk/start"`, `id="try-again"`)
			if strings.Contains(ana.get("/").body, "Running: watch") {
				t.Error("a session runs")
			}
			asked := op.requests()
			if got := asked[len(asked)-1].Get("acr_values"); len(asked) != 2 || got != "urn:sallyport:acr:2fa" {
				t.Errorf("asked %d times, last with acr_values=%q", len(asked), got)
			}
		})
	}
}

func TestTheSecondFactorMustBeOfToday(t *testing.T) {
	op := newTestProvider(t)
	op.twoFactors("phr")
	op.grow = func(url.Values) {} // who is asked says [Not now]
	ana := newPerson(t, startRemoteControl(t, op))
	op.clock.Advance(7 * time.Hour)
	machines := ana.get("/login")
	machines.mustShow(t, 200, "Two-step verification done")
	op.clock.Advance(5 * time.Hour) // twelve hours to the second
	ana.get("/login")
	ana.press(ana.get("/"), startFrontDesk).mustShow(t, 200, `id="remote-session"`)
	op.clock.Advance(time.Second)
	ana.get("/").mustShow(t, 200, "You will be asked for it once")
	after := ana.press(machines, startFrontDesk)
	after.mustShow(t, 403, "must be of today", "was not started", `id="try-again"`)
	asked := op.requests()
	last := asked[len(asked)-1]
	if last.Get("acr_values") != "urn:sallyport:acr:2fa" || last.Get("claims") != `{"id_token":{"mfa_time":{"max_age":43200}}}` || last.Has("max_age") {
		t.Errorf("asked %v", last)
	}
	op.set(func() { op.grow = func(url.Values) { op.twoFactors("phr") } })
	ana.press(after, startFrontDesk).mustShow(t, 200, `id="remote-session"`)
}

func TestWithoutTheRoleNobodyIsAskedForASecondFactor(t *testing.T) {
	for name, roles := range map[string]any{"none": nil, "another": []string{"viewer"}, "as text": "viewer", "empty": []string{}} {
		t.Run(name, func(t *testing.T) {
			op := newTestProvider(t)
			op.person["roles"] = roles
			ben := newPerson(t, startRemoteControl(t, op))
			machines := ben.get("/login")
			machines.mustShow(t, 200, "front-desk", "orchard server", "Your role doesn't include remote sessions")
			ben.press(machines, startFrontDesk).mustShow(t, 403, "Your role doesn&#39;t include remote sessions")
			// Nor with two factors, of course.
			op.set(func() { op.twoFactors("phrh") })
			ben.press(ben.get("/login"), startFrontDesk).mustShow(t, 403, "Your role doesn&#39;t include remote sessions")
			for _, asked := range op.requests() {
				if asked.Has("acr_values") {
					t.Errorf("asked for a second factor: %v", asked)
				}
			}
		})
	}
}

func TestStartAfterASignOutIsOneRoundTrip(t *testing.T) {
	for name, test := range map[string]struct {
		roles  []string
		status int
		show   string
	}{
		"operator": {[]string{"remote-operator"}, 200, `id="remote-session"`},
		"viewer":   {[]string{"viewer"}, 403, "role doesn&#39;t include"},
	} {
		t.Run(name, func(t *testing.T) {
			op := newTestProvider(t)
			op.grow = func(url.Values) { op.twoFactors("urn:sallyport:acr:2fa") }
			product := startRemoteControl(t, op)
			ana := newPerson(t, product)
			machines := ana.get("/login")
			if status := deliver(t, product.URL, op.logoutToken("logout+jwt", nil)); status != 200 {
				t.Fatalf("logout token answered %d", status)
			}
			op.set(func() { op.person["roles"] = test.roles })
			ana.press(machines, startFrontDesk).mustShow(t, test.status, test.show) // the page of before is still open
			if asked := op.requests(); len(asked) != 2 || asked[1].Get("acr_values") != "urn:sallyport:acr:2fa" {
				t.Errorf("asked %v", asked)
			}
		})
	}
}

func TestStartNeedsAKnownMachineAndAFormOfOurs(t *testing.T) {
	op := newTestProvider(t)
	op.twoFactors("phr")
	ana := newPerson(t, startRemoteControl(t, op))
	machines := ana.get("/login")
	ana.press(machines, "/machines/vault/start").mustShow(t, 404, "There is no such machine")
	resp, err := ana.PostForm(ana.base+startFrontDesk, nil)
	ana.read(resp, err).mustShow(t, 403, "too old")
	ana.get(startFrontDesk).mustShow(t, 404)
	ana.get("/").mustNotShow(t, "Running: watch")
}

func TestCancelledStepUpKeepsTheSignIn(t *testing.T) {
	op := newTestProvider(t)
	ana := newPerson(t, startRemoteControl(t, op))
	machines := ana.get("/login")
	op.set(func() {
		op.answer = func(a url.Values) { a.Del("code"); a.Set("error", "access_denied") }
	})
	after := ana.press(machines, startFrontDesk)
	after.mustShow(t, 400, "cancelled", "access_denied", `action="/machines/front-desk/start"`)
	if !ana.signedIn() {
		t.Error("signed out by a cancelled step-up")
	}
	op.set(func() { op.answer, op.grow = nil, func(url.Values) { op.twoFactors("phr") } })
	ana.press(after, startFrontDesk).mustShow(t, 200, `id="remote-session"`)
}

func TestRunningSessionsEndWithTheSignIn(t *testing.T) {
	for name, end := range map[string]func(op *testProvider, ana *person){
		"sign-out":       func(_ *testProvider, ana *person) { ana.press(ana.get("/"), "/logout") },
		"another person": func(op *testProvider, ana *person) { op.set(func() { op.person["sub"] = "ben" }); ana.get("/login") },
		"another person and back": func(op *testProvider, ana *person) {
			op.set(func() { op.person["sub"] = "ben" })
			ana.get("/login")
			op.set(func() { op.person["sub"] = "ana" })
			ana.get("/login")
		},
	} {
		t.Run(name, func(t *testing.T) {
			op := newTestProvider(t)
			op.twoFactors("phr")
			ana := newPerson(t, startRemoteControl(t, op))
			session := ana.press(ana.get("/login"), startFrontDesk)
			session.mustShow(t, 200, `id="remote-session"`)
			end(op, ana)
			if page := ana.get(session.url.Path + "/screen.json"); page.status != http.StatusGone {
				t.Errorf("screen answers %d", page.status)
			}
		})
	}
}

func TestRunningSessionBelongsToOneBrowserAndOnePerson(t *testing.T) {
	op := newTestProvider(t)
	op.twoFactors("phr")
	product := startRemoteControl(t, op)
	ana, elsewhere := newPerson(t, product), newPerson(t, product)
	machines := ana.get("/login")
	op.clock.Advance(7 * time.Hour)
	session := ana.press(machines, startFrontDesk)
	session.mustShow(t, 200, `id="remote-session"`)
	elsewhere.get("/login").mustNotShow(t, "Running: watch")
	elsewhere.get(session.url.Path).mustShow(t, 404, "has ended")

	// Her sign-in runs out, and somebody else signs in with the same browser.
	op.clock.Advance(2 * time.Hour)
	op.set(func() { op.person["sub"] = "ben" })
	ana.get("/login").mustNotShow(t, "Running: watch")
	ana.get(session.url.Path).mustShow(t, 404, "has ended")
}

func TestRolesComeFromUserInfoOnlyWhereTheTokenHasNone(t *testing.T) {
	for name, test := range map[string]struct {
		inToken any
		status  int
	}{
		"no roles in the token":    {nil, 200},
		"other roles in the token": {[]string{"viewer"}, 403},
		"an empty list there":      {[]string{}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			op := newTestProvider(t)
			op.twoFactors("phr")
			op.person["roles"] = test.inToken
			op.userInfo = func(c claims) { c["roles"] = []string{"remote-operator"} }
			ana := newPerson(t, startRemoteControl(t, op))
			ana.press(ana.get("/login"), startFrontDesk).mustShow(t, test.status)
		})
	}
}
