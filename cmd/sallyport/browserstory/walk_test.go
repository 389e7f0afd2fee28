package browserstory

import (
	"net/url"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

// walk goes to every page there is, in the states it can be in, and has see
// look at each.
func walk(t *testing.T, s *stage, see func(name string, v *visitor)) {
	ana := walkFlow(t, s, see)
	walkCodes(ana, see)
	walkAccount(ana, see)
	walkOthers(t, s, see)
	walkLinks(t, s, see)
	walkWays(t, s, see)
	walkBack(t, s, see)
	walkDevice(t, s, see)
	walkProducts(t, s, ana, see)
}

// walkFlow is the story, up to the remote session.
func walkFlow(t *testing.T, s *stage, see func(string, *visitor)) *visitor {
	v := s.visitor(t, "ana@acme.example")
	v.Go(s.Remote)
	see("product-signed-out", v)
	v.Click("#sign-in")
	see("sign-in", v)
	v.press()
	see("sign-in-empty", v)
	v.Fill("#username", v.email)
	v.Fill("#password", "not it")
	v.press()
	see("sign-in-wrong", v)
	v.password()
	see("machines", v)
	v.Click("#start-reception-pc")
	see("why", v)
	v.press()
	see("set-up-1", v)
	v.picks("totp")
	see("set-up", v.readKey())
	v.press()
	see("set-up-3", v)
	v.enter(v.wrongCode())
	see("set-up-3-wrong", v)
	v.enter(v.code()).at("/login/backup-codes")
	see("set-up-4", v)
	v.readCodes()
	see("set-up-4-shown", v)
	v.press()
	see("set-up-4-unsaved", v)
	v.Check("#saved")
	v.press().at("/login/password")
	see("sign-in-anew", v)
	v.password().at("/login/totp").enter(v.nextCode())
	v.WaitURL(s.Remote + "/sessions/")
	s.Clock.Advance(12 * time.Second)
	v.reads("connected 00:12")
	see("remote-session", v)
	return v
}

// walkCodes is the second proof, and what can become of it.
func walkCodes(of *visitor, see func(string, *visitor)) {
	v := of.elsewhere().toDashboard().password().at("/login/totp")
	see("code", v)
	v.enter(v.wrongCode())
	see("code-wrong", v)
	v.ClickText("Confirm another way")
	see("choose", v)
	v.ClickText("Backup code")
	see("backup-code", v)
	v.enter("not one of them")
	see("backup-code-wrong", v)
	for !v.Has(`[href^="/login/again"]`) {
		v.enter("not one of them")
	}
	see("too-many", v)
	v.ClickText("Start again")
	v.password().enter(v.nextCode()).says("#name", "Ana Operator")
}

// walkAccount is the account of somebody with an app.
func walkAccount(of *visitor, see func(string, *visitor)) {
	v := of.elsewhere().onAccount()
	see("account", v)
	v.ClickText("Turn off")
	see("account-turn-off", v)
	v.Go(v.s.URL + "/account/backup-codes")
	see("account-new-codes", v)
	v.press()
	see("account-codes", v)
	v.Go(v.s.URL + "/account/authenticator")
	see("account-device-1", v)
	v.press()
	see("account-device-2", v)
	v.press()
	see("account-device-3", v)
	v.Go(v.s.URL + "/account")
	v.ClickText("Sign out everywhere")
	see("signed-out", v)
	v.s.Clock.Advance(30 * time.Second)
}

// walkOthers is what most people rarely see.
func walkOthers(t *testing.T, s *stage, see func(string, *visitor)) {
	v := s.visitor(t, s.join("Ivo")).toDashboard().at("/login/password")
	expires, began := v.tab(), v.URL()
	expires.Go(began)
	foreign := s.visitor(t, v.email)
	foreign.Go(began)
	see("foreign", foreign)
	v.password().Back()
	v.Reload()
	see("finished", v)
	v.Go(s.URL + "/account")
	see("account-plain", v)

	p := s.thirdParty(t, "walked", ", first_party: false")
	v.begin(p, nil).at("/login/consent")
	see("consent", v)
	v.begin(p, url.Values{"prompt": {"select_account"}})
	see("choose-account", v)
	v.begin(p, url.Values{"redirect_uri": {"https://elsewhere.example/a/rather/long/address/that/must/break/somewhere"}})
	see("request-error", v)
	s.Apply(`companies: [{id: north, name: North}]`)
	v.begin(s.thirdParty(t, "closed", ", companies: [north]"), nil)
	see("no-access", v)
	v.Go(s.URL + "/no/such/page")
	see("not-found", v)
	v.Go(s.URL + "/logout")
	see("sign-out", v)
	plain := s.visitor(t, v.email).withoutScripts()
	plain.begin(s.thirdParty(t, "posts", ", first_party: true"), url.Values{"response_mode": {"form_post"}}).password()
	see("form-post", plain)

	late := s.visitor(t, v.email).toDashboard().at("/login/password")
	s.Clock.Advance(31 * time.Minute)
	late.Reload()
	see("expired", late)
}

// walkLinks is set-up links, and a provider nobody owns yet.
func walkLinks(t *testing.T, s *stage, see func(string, *visitor)) {
	v := s.visitor(t, s.join("Lin"))
	link := s.setUpLink(t, v.email)
	v.Go(link)
	see("set-up-link", v)
	v.press()
	see("set-up-link-wrong", v)
	v.Fill("#password", goodPassword)
	v.Fill("#repeat", goodPassword)
	v.press().at("/login/password").Go(link)
	see("set-up-link-used", v)

	unowned := servertest.Start(t, s.engine)
	first, err := unowned.Server.FirstOwnerLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v.Go(unowned.URL)
	see("no-owner", v)
	v.Go(first)
	see("first-owner", v)
	v.press()
	see("first-owner-wrong", v)
}

// walkProducts is the demo's own pages.
func walkProducts(t *testing.T, s *stage, of *visitor, see func(string, *visitor)) {
	v := of.elsewhere().toDashboard().password()
	v.at("/login/totp").enter(v.nextCode()).says("#name", "Ana Operator")
	see("dashboard", v)
	v.Click("#claims")
	see("claims", v)

	ben := s.visitor(t, "ben@acme.example").toMachineSignedOut().password()
	see("machines-no-role", ben)
	ben.Click("#start-ceo-laptop")
	see("no-role", ben)
	nobody := s.visitor(t, "").toMachineSignedOut()
	nobody.Click(".leave button")
	see("cancelled", nobody)

	inbox := demo.NewInbox()
	for _, m := range s.Mail.All() {
		inbox.Add(demo.Message{At: s.Clock.Now(), Kind: "mail", To: m.To, From: "Sallyport", Subject: m.Subject, Body: m.Body})
	}
	v.Go(servertest.Serve(t, inbox))
	see("inbox", v)
	inbox.Add(demo.Message{At: s.Clock.Now(), Kind: "sms", To: "+41 79 123 45 67", Body: "This came while you were reading."})
	v.reads("This came while you were reading.")
}
