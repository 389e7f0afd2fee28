package server_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
)

func TestChangePassword(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		h, elsewhere := inAccount(t, d, ana), inAccount(t, d, ana)
		product := rp(t, d, first)
		refresh := tokensFor(t, elsewhere.Person, product, url.Values{"scope": {"openid offline_access"}}).String("refresh_token")
		change(t, d, ana, func(tx *storage.Tx, _ string) error {
			_, err := tx.CountAttempt(t.Context(), factor.PasswordCounterPrefix(ana)+":network", storage.Backoff{LockAfter: 1}, d.Clock.Now())
			return err
		})
		posted(t, d)
		was := h.person().User.PasswordHash

		h.at("/account").Follow("/account/password").MustRead("At least 15 characters")
		for _, c := range []struct{ password, repeat, words string }{
			{"short", "short", "15"},
			{"", "", "15"},
			{strings.Repeat("x", 1025), strings.Repeat("x", 1025), "1024"},
			{"ana operator acme", "ana operator acme", "made of a name"},
			{"qwertyuiopasdfgh", "qwertyuiopasdfg", "differ"},
		} {
			h.Submit(map[string]string{"password": c.password, "repeat": c.repeat}).MustRead(c.words)
			if h.Status != 422 {
				t.Errorf("%q: %d", c.password, h.Status)
			}
		}
		if h.person().User.PasswordHash != was {
			t.Fatal("a refused password was set")
		}
		mustPost(t, d)

		const words = "seven horses in a garden"
		h.Submit(map[string]string{"password": words, "repeat": words}).MustBeAt("/account")
		h.mustLog("password.changed")
		mustPost(t, d, ana+": Your password was changed")
		if a, err := d.DB.Attempts(t.Context(), factor.PasswordCounterPrefix(ana)+":network", d.Clock.Now()); err != nil || a.Locked {
			t.Errorf("wrong passwords count on: %+v, %v", a, err)
		}
		// Every other session ends, and so do refresh tokens; this one goes on.
		elsewhere.mustBeOut()
		status, answer := product.Refresh(refresh, nil)
		mustRefuse(t, status, answer, 400, "invalid_grant")
		h.at("/account").MustBeAt("/account")

		signIn(elsewhere.Person, ana).MustBeAt("/login/password")
		d.Clock.Advance(time.Minute)
		elsewhere.at("/account").Submit(map[string]string{"username": ana, "password": words}).MustBeAt("/account")
	})
}

// Where a second factor always follows, a shorter one will do.
func TestShorterPasswordWithSecondFactor(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		give(t, d, ana, anApp)
		h := inAccount(t, d, ana)
		h.at("/account/password").MustRead("At least 8 characters")
		h.Submit(map[string]string{"password": "grünohr", "repeat": "grünohr"}).MustRead("8")
		h.Submit(map[string]string{"password": "grünohrx", "repeat": "grünohrx"}).MustBeAt("/account")
	})
}

// A password that was set elsewhere meanwhile isn't undone by a form that was
// open.
func TestPasswordChangedInTwoTabs(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		h := inAccount(t, d, ana)
		won := succeed(4, func(i int) bool {
			password := "seven horses in garden " + string(rune('a'+i))
			resp, err := h.Client().PostForm(d.URL+"/account/password", url.Values{"form_token": {h.token}, "password": {password}, "repeat": {password}})
			if err != nil {
				return false
			}
			resp.Body.Close()
			return resp.StatusCode == 200
		})
		if won == 0 {
			t.Fatal("none was set")
		}
		h.mustLog("password.changed")
		mails, _ := posted(t, d)
		if len(mails) != won {
			t.Errorf("%d changes, %d mails", won, len(mails))
		}
	})
}

// What changes how a person signs in wants a proof of the last five minutes.
func TestChangesNeedFreshProof(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		give(t, d, ana, anApp, aKey, texts, mailCodes)
		h := inAccount(t, d, ana)
		rule(t, d, "new_network_check: true")
		before := h.person()
		d.Clock.Advance(6 * time.Minute)
		posted(t, d)
		pages := []string{
			"/account/authenticators/app/name", "/account/authenticators/app/remove", "/account/passkeys/key/name", "/account/passkeys/key/remove",
			"/account/text-messages/remove", "/account/email-codes/remove", "/account/password", "/account/email",
		}
		for _, path := range pages {
			if h.at(path); h.URL.Path != "/login/totp" {
				t.Errorf("GET %s leads to %s", path, h.URL.Path)
			}
			if h.send(path, "name", "New", "confirm", "1", "password", "seven horses in a garden", "repeat", "seven horses in a garden", "email", "new@acme.example"); h.URL.Path != "/login/totp" {
				t.Errorf("POST %s leads to %s", path, h.URL.Path)
			}
		}
		if h.send("/account/network-check", "skip", "1"); h.URL.Path != "/login/totp" {
			t.Errorf("POST network check leads to %s", h.URL.Path)
		}
		if got := h.person(); got.User.PasswordHash != before.User.PasswordHash || got.User.SkipNewNetworkCheck || len(h.factors()) != 4 {
			t.Errorf("something changed: %+v, %q", got.User, h.factors())
		}
		if mails, _ := posted(t, d); len(mails) > 0 {
			t.Errorf("mails %q", mails)
		}
		// Once proved, the person is where they wanted to be.
		h.at("/account/passkeys/key/name").MustBeAt("/login/totp")
		h.code()
		h.MustBeAt("/account/passkeys/key/name")
	})
}

// A form without the token of this browser changes nothing.
func TestChangesNeedFormToken(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		give(t, d, olga, anApp)
		h := inAccount(t, d, olga)
		was := h.person()
		h.token = "another"
		posted(t, d)
		for _, path := range []string{"/account/authenticators/app/remove", "/account/authenticators/app/name", "/account/password", "/account/email", "/account/email/confirm"} {
			h.send(path, "name", "New", "confirm", "1", "password", "seven horses in a garden", "repeat", "seven horses in a garden", "email", "new@acme.example")
		}
		if got := h.person(); got.User.PasswordHash != was.User.PasswordHash || len(h.factors()) != 1 || h.factors()[0] != "app My phone" {
			t.Errorf("something changed: %+v, %q", got.User, h.factors())
		}
		mustPost(t, d)
	})
}

// After "This wasn't me" nothing can be changed.
func TestLockedChanges(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		give(t, d, olga, anApp)
		h := inAccount(t, d, olga)
		change(t, d, olga, func(tx *storage.Tx, id string) error { return tx.LockChanges(t.Context(), id, d.Clock.Now()) })
		posted(t, d)
		for _, path := range []string{"/account/authenticators/app/remove", "/account/authenticators/app/name", "/account/password", "/account/email"} {
			h.at(path).MustBeAt("/account")
			h.send(path, "name", "New", "confirm", "1", "password", "seven horses in a garden", "repeat", "seven horses in a garden", "email", "new@acme.example").MustBeAt("/account")
		}
		if len(h.factors()) != 1 || h.factors()[0] != "app My phone" || h.person().User.PasswordHash == "" {
			t.Errorf("something changed: %q", h.factors())
		}
		mustPost(t, d)
	})
}

func TestNetworkCheck(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		give(t, d, ana, anApp)
		h := inAccount(t, d, ana)
		posted(t, d)
		// Where Acme doesn't confirm networks there is nothing to skip.
		h.send("/account/network-check", "skip", "1").MustBeAt("/account")
		if h.person().User.SkipNewNetworkCheck {
			t.Fatal("skipped where there is no check")
		}
		rule(t, d, "new_network_check: true")
		elsewhere := inAccount(t, d, ana)
		h.at("/account").Submit(map[string]string{"skip": "1"}).MustBeAt("/account").MustRead("You are not asked by e-mail")
		h.mustLog("network_check.off")
		mustPost(t, d, ana+": New networks are no longer confirmed by e-mail")
		elsewhere.mustBeOut()
		h.Submit(map[string]string{"skip": "0"}).MustBeAt("/account")
		h.mustLog("network_check.on")
		mustPost(t, d)
		if h.person().User.SkipNewNetworkCheck {
			t.Error("still skipped")
		}
		// Without a second factor nobody may skip it.
		change(t, d, ana, func(tx *storage.Tx, id string) error {
			_, err := tx.DeleteFactors(t.Context(), id, "")
			return err
		})
		h.send("/account/network-check", "skip", "1")
		if h.person().User.SkipNewNetworkCheck {
			t.Error("skipped without a second factor")
		}
	})
}

func TestWellKnown(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		p := visitor(t).Go(d.URL + "/.well-known/change-password")
		p.Submit(map[string]string{"username": ana, "password": demo.Password}).MustBeAt("/account/password")
		p.Go(d.URL + "/.well-known/passkey-endpoints")
		if got := p.Text(); p.Status != 200 || p.Header.Get("Content-Type") != "application/json" || p.URL.Path != "/.well-known/passkey-endpoints" ||
			got != `{"enroll":"`+d.URL+`/account/passkeys/new","manage":"`+d.URL+`/account"}` {
			t.Errorf("%d %q", p.Status, got)
		}
	})
}
