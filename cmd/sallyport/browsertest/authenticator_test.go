package browsertest_test

import (
	"strings"
	"testing"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/sallyport-id/sallyport/cmd/sallyport/browsertest"
	"github.com/sallyport-id/sallyport/storage"
)

// onEveryPage has a script run before those of every page to come.
func onEveryPage(t *testing.T, p *browsertest.Page, script string) {
	t.Helper()
	if _, err := chromedp.Call(p.Context(), cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: script}); err != nil {
		t.Fatal(err)
	}
}

// evaluate runs a script in a page.
func evaluate[T any](t *testing.T, p *browsertest.Page, script string) T {
	t.Helper()
	got, err := chromedp.Run(p.Context(), chromedp.Evaluate[T](script))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func says(t *testing.T, p *browsertest.Page, want string) {
	t.Helper()
	p.WaitText("Accepted")
	if got := p.Text("#proof"); got != want {
		t.Errorf("proof: %q, want %q", got, want)
	}
}

func TestAuthenticator(t *testing.T) {
	b := browsertest.New(t)
	run := func(name string, o browsertest.AuthenticatorOptions, test func(t *testing.T, s *passkeySite, p *browsertest.Page, a *browsertest.Authenticator)) {
		t.Run(name, func(t *testing.T) {
			s := newPasskeySite(t)
			p := b.Incognito(t)
			test(t, s, p, browsertest.NewAuthenticator(p, o))
		})
	}
	add := func(s *passkeySite, p *browsertest.Page) {
		p.Go(s.url + "/add")
		p.ClickText("Use it")
	}

	run("passkey", browsertest.AuthenticatorOptions{Synced: true}, func(t *testing.T, s *passkeySite, p *browsertest.Page, a *browsertest.Authenticator) {
		add(s, p)
		says(t, p, "Passkey, of ana@acme.example, verified, synced")
		for _, page := range []string{"/signin", "/confirm"} {
			p.Go(s.url + page)
			p.ClickText("Use it")
			says(t, p, "Passkey, of ana@acme.example, verified, synced")
		}
		if keys := a.Keys(); len(keys) != 1 || string(keys[0].UserHandle) != s.ana.ID || !keys[0].IsResidentCredential {
			t.Errorf("keys: %+v", keys)
		}
		if got := p.Complaints(); len(got) != 0 {
			t.Errorf("complaints: %q", got)
		}
	})

	run("security key", browsertest.AuthenticatorOptions{SecurityKey: true}, func(t *testing.T, s *passkeySite, p *browsertest.Page, a *browsertest.Authenticator) {
		add(s, p)
		says(t, p, "Security key, of ana@acme.example, verified")
		plain := browsertest.NewAuthenticator(p, browsertest.AuthenticatorOptions{SecurityKey: true, NoUserVerification: true})
		a.CopyTo(plain, a.Keys()[0].CredentialID)
		a.Remove()
		p.Go(s.url + "/confirm")
		p.ClickText("Use it")
		says(t, p, "Security key, of ana@acme.example")
	})

	run("a dialog that is closed is no error", browsertest.AuthenticatorOptions{}, func(t *testing.T, s *passkeySite, p *browsertest.Page, a *browsertest.Authenticator) {
		add(s, p)
		says(t, p, "Passkey, of ana@acme.example, verified")
		a.VerifyUser(false)
		p.Go(s.url + "/signin")
		for range 2 {
			p.Click("button:enabled") // which it is not while the dialog is open
			p.Text("button:enabled:focus")
		}
		if n := s.made(); n != 3 {
			t.Errorf("%d challenges", n)
		}
		if !evaluate[bool](t, p, `document.querySelector("[data-webauthn-error]").hidden`) {
			t.Error("an error is shown")
		}
		a.VerifyUser(true)
		p.Click("button:enabled")
		says(t, p, "Passkey, of ana@acme.example, verified")
	})

	run("a key that is there already", browsertest.AuthenticatorOptions{}, func(t *testing.T, s *passkeySite, p *browsertest.Page, a *browsertest.Authenticator) {
		add(s, p)
		says(t, p, "Passkey, of ana@acme.example, verified")
		add(s, p)
		p.WaitText("It is there already.")
		if len(s.factors()) != 1 {
			t.Errorf("%d keys", len(s.factors()))
		}
	})

	run("a server that refuses", browsertest.AuthenticatorOptions{}, func(t *testing.T, s *passkeySite, p *browsertest.Page, a *browsertest.Authenticator) {
		p.Go(s.url + "/broken")
		p.ClickText("Use it")
		p.WaitText("That didn’t work.")
		if evaluate[bool](t, p, `document.querySelector("button").disabled`) {
			t.Error("the button can't be pressed again")
		}
	})

	run("conditional", browsertest.AuthenticatorOptions{NoTouch: true}, func(t *testing.T, s *passkeySite, p *browsertest.Page, a *browsertest.Authenticator) {
		a.Touch(true)
		add(s, p)
		says(t, p, "Passkey, of ana@acme.example, verified")
		p.Go(s.url + "/conditional") // offered and chosen without a click
		says(t, p, "Passkey, of ana@acme.example, verified")
	})

	run("the button takes over", browsertest.AuthenticatorOptions{}, func(t *testing.T, s *passkeySite, p *browsertest.Page, a *browsertest.Authenticator) {
		add(s, p)
		says(t, p, "Passkey, of ana@acme.example, verified")
		a.Touch(false)
		onEveryPage(t, p, `{
			const get = CredentialsContainer.prototype.get;
			CredentialsContainer.prototype.get = function (how) {
				const answer = get.call(this, how);
				document.documentElement.dataset.asked = how.mediation;
				return answer;
			};
		}`)
		p.Go(s.url + "/conditional")
		p.Text("[data-asked=conditional]")
		a.Touch(true)
		p.ClickText("Use it")
		says(t, p, "Passkey, of ana@acme.example, verified")
		if n := s.made(); n != 3 {
			t.Errorf("%d challenges", n)
		}
		if got := p.Complaints(); len(got) != 0 {
			t.Errorf("complaints: %q", got)
		}
	})

	run("a challenge in the background is renewed", browsertest.AuthenticatorOptions{NoTouch: true}, func(t *testing.T, s *passkeySite, p *browsertest.Page, a *browsertest.Authenticator) {
		onEveryPage(t, p, `{ const real = window.setTimeout; window.setTimeout = (f, ms, ...args) => real(f, ms === 4 * 60 * 1000 ? 1 : ms, ...args); }`)
		p.Go(s.url + "/conditional")
		s.waitForChallenges(3)
		if got := p.Complaints(); len(got) != 0 {
			t.Errorf("complaints: %q", got)
		}
	})

	run("a copy", browsertest.AuthenticatorOptions{}, func(t *testing.T, s *passkeySite, p *browsertest.Page, a *browsertest.Authenticator) {
		add(s, p)
		says(t, p, "Passkey, of ana@acme.example, verified")
		thief := b.Incognito(t)
		stolen := browsertest.NewAuthenticator(thief, browsertest.AuthenticatorOptions{})
		a.CopyTo(stolen, a.Keys()[0].CredentialID)
		p.Go(s.url + "/signin")
		p.ClickText("Use it")
		says(t, p, "Passkey, of ana@acme.example, verified")
		thief.Go(s.url + "/signin")
		thief.ClickText("Use it")
		thief.WaitText("Cloned")
		stolen.SetCounter(a.Keys()[0].CredentialID, 100) // who counts on passes for the original
		thief.Go(s.url + "/signin")
		thief.ClickText("Use it")
		thief.WaitText("Accepted")
	})

	removed := func(t *testing.T, s *passkeySite, p *browsertest.Page) {
		add(s, p)
		says(t, p, "Passkey, of ana@acme.example, verified")
		s.write(func(tx *storage.Tx) error { return tx.DeleteFactor(t.Context(), s.ana.ID, s.factors()[0].ID) })
	}

	run("a removed key is forgotten", browsertest.AuthenticatorOptions{}, func(t *testing.T, s *passkeySite, p *browsertest.Page, a *browsertest.Authenticator) {
		removed(t, s, p)
		p.Go(s.url + "/signal")
		a.WaitKeys(0)
		add(s, p)
		says(t, p, "Passkey, of ana@acme.example, verified")
		p.Go(s.url + "/signal") // which lists the new one
		p.Go(s.url + "/signin")
		p.ClickText("Use it")
		says(t, p, "Passkey, of ana@acme.example, verified")
	})

	run("an unknown key is forgotten", browsertest.AuthenticatorOptions{}, func(t *testing.T, s *passkeySite, p *browsertest.Page, a *browsertest.Authenticator) {
		removed(t, s, p)
		p.Go(s.url + "/signin")
		p.ClickText("Use it")
		p.WaitText("Wrong")
		p.Go(s.url + "/unknown?id=" + p.Text("#unknown"))
		a.WaitKeys(0)
	})
}

func TestPasskeysAreHiddenWhereTheyCantBeUsed(t *testing.T) {
	s := newPasskeySite(t)
	b := browsertest.New(t)
	for name, prepare := range map[string]func(p *browsertest.Page){
		"no scripts":  func(p *browsertest.Page) { p.NoJavaScript() },
		"no WebAuthn": func(p *browsertest.Page) { onEveryPage(t, p, `delete window.PublicKeyCredential`) },
		"an older browser": func(p *browsertest.Page) {
			onEveryPage(t, p, `delete PublicKeyCredential.parseRequestOptionsFromJSON`)
		},
	} {
		p := b.Incognito(t)
		prepare(p)
		for _, page := range []string{"/conditional", "/signal", "/unknown?id=x"} {
			p.Go(s.url + page)
			if strings.Contains(p.Text("body"), "Use it") || len(p.Complaints()) != 0 {
				t.Errorf("%s: %s: %s, %q", name, page, p.Text("body"), p.Complaints())
			}
		}
	}
	p := b.Incognito(t)
	p.Go(s.url + "/signin")
	p.WaitText("Use it")
}
