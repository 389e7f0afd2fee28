package browserstory

import (
	"testing"
	"time"
)

// No page is a dead end.
func TestDeadEnds(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		t.Run("expired", func(t *testing.T) { expired(t, s) })
		t.Run("another browser", func(t *testing.T) { anotherBrowser(t, s) })
		t.Run("not you", func(t *testing.T) { notYou(t, s) })
		t.Run("cancel", func(t *testing.T) { cancels(t, s) })
		t.Run("not now", func(t *testing.T) { notNow(t, s) })
	})
}

// A sign-in that was left open for too long begins again, and ends well.
func expired(t *testing.T, s *stage) {
	ana := s.visitor(t, "ana@acme.example").toDashboard().at("/login/password")
	s.Clock.Advance(31 * time.Minute)
	ana.password().says("h1", "This sign-in has expired")
	ana.ClickText("Start again")
	ana.password().says("#name", "Ana Operator")

	// While setting up as well: what was begun is begun anew.
	eva := s.visitor(t, s.join("Eva")).onDashboard().toMachine("reception-pc").at("/login/why")
	eva.press()
	eva.picks("totp")
	eva.at("/login/set-up/scan").readKey()
	s.Clock.Advance(11 * time.Minute) // the seed has expired, the sign-in hasn't
	eva.press().at("/login/set-up").picks("totp")
	eva.at("/login/set-up/scan").readKey().press()
	s.Clock.Advance(20 * time.Minute)
	eva.enter("123456").says("h1", "This sign-in has expired")
	eva.ClickText("Start again")
	eva.at("/login/why").press()
	eva.password().steps().password().at("/login/totp").enter(eva.nextCode()) // the password was too long ago
	eva.WaitURL(s.Remote + "/sessions/")
}

// A sign-in goes on only where it began.
func anotherBrowser(t *testing.T, s *stage) {
	ana := s.visitor(t, "ana@acme.example").toDashboard().at("/login/password")
	thief := s.visitor(t, "ben@acme.example")
	thief.Go(ana.URL())
	thief.says("h1", "This sign-in began in another browser")
	thief.ClickText("Start again")
	thief.at("/login/password")
	ana.password().says("#name", "Ana Operator")
	thief.Go(s.URL + "/login?r=nonsense")
	thief.says("h1", "This sign-in has expired")
	thief.ClickText("Start again")
	thief.at("/login/password")
}

// "Not you?" gives the sign-in to somebody else, and takes the session with it.
func notYou(t *testing.T, s *stage) {
	pia := s.withApp(t, "Pia")
	ana := s.visitor(t, "ana@acme.example").onDashboard().toMachine("reception-pc")
	ana.at("/login/why").says(".person", "ana@acme.example")
	s.Clock.Advance(time.Second)
	ana.ClickText("Not you?")
	if got := ana.at("/login/password").Value("#username"); got != "" {
		t.Errorf("the address of the person before is still there: %q", got)
	}
	ana.email, ana.key = pia.email, pia.key
	ana.password().at("/login/totp").enter(ana.nextCode())
	ana.WaitURL(s.Remote + "/sessions/")
	ana.says("#person", "Pia")
	ana.Go(s.URL + "/account")
	ana.at("/account").says(".who", "Pia")
}

// Every page has a Cancel, and the product says what came of it.
func cancels(t *testing.T, s *stage) {
	cay := s.visitor(t, s.join("Cay"))
	cancel := func() {
		t.Helper()
		at := cay.path()
		cay.Click(".leave button")
		cay.WaitURL(s.Remote + "/callback")
		if got := cay.Text("#error-code"); got != "access_denied" {
			t.Errorf("cancelled at %s: the product got %s", at, got)
		}
		cay.says("#problem h1", "The sign-in was cancelled")
	}
	again := func() *visitor { cay.Click("#try-again"); return cay }

	cay.toMachineSignedOut().at("/login/password")
	cancel()
	again().password()
	cay.Click("#start-reception-pc")
	cay.at("/login/why")
	cancel()
	again().at("/login/why").press()
	cay.at("/login/set-up")
	cancel()
	again().press()
	cay.picks("totp")
	cay.at("/login/set-up/scan").readKey()
	cancel()
	again().press()
	cay.picks("totp")
	cay.at("/login/set-up/scan").readKey().press()
	cay.at("/login/set-up/code")
	cancel()
	again().press()
	cay.picks("totp")
	cay.at("/login/set-up/scan").readKey().press()
	cay.enter(cay.code()).at("/login/backup-codes").readCodes()
	cancel()
	// What was set up stays.
	again().password().at("/login/totp")
	cancel()
	again().password().at("/login/totp").ClickText("Confirm another way")
	cay.at("/login/choose")
	cancel()
	again().password().at("/login/totp").ClickText("Confirm another way")
	cay.ClickText("Backup code")
	cay.at("/login/backup-code")
	cancel()
	again().password().at("/login/totp").enter(cay.nextCode())
	cay.WaitURL(s.Remote + "/sessions/")
}

// What a product asks for can be put off; the product then decides.
func notNow(t *testing.T, s *stage) {
	ned := s.visitor(t, s.join("Ned")).onDashboard().toMachine("reception-pc").at("/login/why")
	ned.ClickText("Not now")
	ned.WaitURL(s.Remote)
	ned.says("#problem h1", "Two-step verification is needed").says("#problem", "reception-pc")
	ned.Click("#try-again")
	ned.at("/login/why")
}
