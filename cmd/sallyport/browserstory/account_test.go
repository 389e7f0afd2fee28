package browserstory

import (
	"strings"
	"testing"
	"time"
)

// A person's own page.
func TestAccount(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		t.Run("two-step verification", func(t *testing.T) { twoStep(t, s) })
		t.Run("a new device", func(t *testing.T) { newDevice(t, s) })
		t.Run("new backup codes", func(t *testing.T) { newBackupCodes(t, s) })
		t.Run("proved lately", func(t *testing.T) { provedLately(t, s) })
		t.Run("sessions", func(t *testing.T) { sessions(t, s) })
		t.Run("activity", func(t *testing.T) { activity(t, s) })
	})
}

// onAccount is a person just signed in to their account page.
func (v *visitor) onAccount() *visitor {
	v.t.Helper()
	v.Go(v.s.URL + "/account")
	v.password()
	if v.key != "" {
		v.at("/login/totp").enter(v.nextCode())
	}
	return v.at("/account")
}

// byLink opens the link that was just sent to go on setting up.
func (v *visitor) byLink() *visitor {
	v.t.Helper()
	v.at("/account/set-up").says("h1", "Look into your mail")
	v.Go(v.s.LinkTo(v.t, v.email))
	v.at("/account/two-step/link").says("h1", "Go on setting up two-step verification").press()
	return v.at("/account/set-up")
}

// changesApp waits for a page of changing the device of an app.
func (v *visitor) changesApp(page string) *visitor {
	v.t.Helper()
	v.WaitURL(v.s.URL + "/account/authenticators/")
	if path := v.path(); !strings.HasSuffix(path, "/change"+page) {
		v.t.Fatalf("at %s, which changes no app", path)
	}
	return v
}

// twoStep turns it on, which sets up an app, and off again.
func twoStep(t *testing.T, s *stage) {
	ida := s.visitor(t, s.join("Ida")).onAccount()
	ida.says(`[aria-labelledby="two-step"] .badge`, "Off").reads("You have no authenticator app yet.")
	ida.ClickText("Turn on")
	ida.byLink().picks("totp")
	ida.at("/account/set-up/scan").readKey().press()
	ida.at("/account/set-up/code").enter(ida.wrongCode()).says("#code-problem", "4 tries left.")
	ida.enter(ida.code()).says("h1", "Save your backup codes").readCodes()
	if ida.press(); !ida.Has("#codes") {
		t.Fatalf("the codes went without the box: %s", ida.URL())
	}
	ida.Check("#saved")
	ida.press().at("/account").says(`[aria-labelledby="two-step"] .badge`, "On").reads("10 of 10 left")
	waitForMail(t, s, ida.email, "An authenticator app was set up for your account")

	// Signing in takes the code now.
	there := ida.elsewhere().toDashboard().password().at("/login/totp").reads("You turned on two-step verification.")
	there.enter(there.nextCode()).says("#name", "Ida")

	// Off: asked first, and then a password is enough. The app stays.
	ida.ClickText("Turn off")
	ida.at("/account/two-step/off").says("h1", "Turn off two-step verification?")
	ida.ClickText("Back")
	ida.at("/account").says(`[aria-labelledby="two-step"] .badge`, "On").ClickText("Turn off")
	ida.at("/account/two-step/off").press().at("/account").says(`[aria-labelledby="two-step"] .badge`, "Off").reads("Change device")
	there.reads("You were signed out by Sallyport.")
	there.onDashboard()
	waitForMail(t, s, ida.email, "Two-step verification was turned off")

	// A remote session still takes a code, not a new app.
	there.toMachine("reception-pc").at("/login/totp").enter(there.nextCode())
	there.WaitURL(s.Remote + "/sessions/")
}

// newDevice changes the phone: codes of the old one stop working.
func newDevice(t *testing.T, s *stage) {
	dan := s.withApp(t, "Dan").onAccount()
	dan.ClickText("Change device")
	dan.changesApp("").press()
	old := *dan
	dan.changesApp("/scan").readKey().press()
	if dan.key == old.key {
		t.Fatal("the new device has the old key")
	}
	// Until the new one has shown a code, the old one works.
	meanwhile := old.elsewhere().toDashboard().password().at("/login/totp")
	meanwhile.enter(meanwhile.nextCode()).says("#name", "Dan")
	dan.enter(dan.nextCode()).at("/account").reads("Authenticator app replaced")
	waitForMail(t, s, dan.email, "Your authenticator app was replaced")
	meanwhile.reads("You were signed out by Sallyport.")

	after := dan.elsewhere().toDashboard().password().at("/login/totp")
	s.Clock.Advance(30 * time.Second)
	after.enter(old.code()).says("#code-problem", "That code didn't match.")
	after.enter(dan.code()).says("#name", "Dan")
}

// newBackupCodes voids the old ones.
func newBackupCodes(t *testing.T, s *stage) {
	liv := s.withApp(t, "Liv").onAccount()
	old := liv.codes
	liv.ClickText("Make new codes")
	liv.at("/account/backup-codes").says("h1", "Make new backup codes?").press()
	liv.says("h1", "Save your backup codes").readCodes()
	liv.Check("#saved")
	liv.press().at("/account").reads("10 of 10 left", "New backup codes made")
	waitForMail(t, s, liv.email, "New backup codes were made for your account")

	there := liv.elsewhere().toDashboard().password()
	there.ClickText("Confirm another way")
	there.ClickText("Backup code")
	there.at("/login/backup-code").enter(old[0]).says("#code-problem", "That is not one of your backup codes.")
	there.enter(liv.codes[0]).says("#name", "Liv")
}

// provedLately: after five minutes a change takes the code again, and then
// goes on where it was.
func provedLately(t *testing.T, s *stage) {
	fay := s.withApp(t, "Fay").onAccount()
	fay.ClickText("Change device")
	fay.changesApp("") // just proved
	s.Clock.Advance(6 * time.Minute)
	fay.Go(s.URL + "/account")
	fay.at("/account").ClickText("Change device")
	fay.at("/login/totp").reads("To change how you sign in, confirm it's you.").enter(fay.nextCode())
	fay.changesApp("").says("h1", "Choose your second step")

	s.Clock.Advance(6 * time.Minute)
	fay.Go(s.URL + "/account")
	fay.ClickText("Make new codes")
	fay.at("/login/totp").enter(fay.nextCode()).at("/account/backup-codes").says("h1", "Make new backup codes?")

	// Cancelled, nothing changes and nobody is signed out.
	s.Clock.Advance(6 * time.Minute)
	fay.Go(s.URL + "/account")
	fay.ClickText("Turn off")
	fay.at("/login/totp").Click(".leave button")
	fay.at("/account").says(`[aria-labelledby="two-step"] .badge`, "On")

	// With nothing but a password, that is what is asked for.
	gus := s.visitor(t, s.join("Gus")).onAccount()
	s.Clock.Advance(6 * time.Minute)
	gus.ClickText("Turn on")
	gus.at("/login/password").reads("To change how you sign in, confirm it's you.")
	gus.password().at("/account").ClickText("Turn on")
	gus.at("/account/set-up").says("h1", "Look into your mail")
}

// sessions are listed, and ended one by one or all at once.
func sessions(t *testing.T, s *stage) {
	joe := s.visitor(t, s.join("Joe")).onAccount()
	if joe.says(`[aria-labelledby="sessions"] .badge`, "This device"); joe.Has(`[action="/account/sessions/end"] [name="id"]`) {
		t.Error("another session is listed than this one")
	}
	there := joe.elsewhere().onDashboard()
	joe.Reload()
	joe.reads("Chrome, Linux", "from 127.0.0.1")
	joe.ClickText("Sign out Chrome, Linux")
	joe.at("/account").WaitGone(`[action="/account/sessions/end"] [name="id"]`)
	there.reads("You were signed out by Sallyport.")
	there.Click("#sign-in")
	there.password().says("#name", "Joe")

	joe.ClickText("Sign out everywhere")
	joe.says("h1", "You are signed out")
	there.reads("You were signed out by Sallyport.")
	joe.ClickText("Sign in")
	joe.at("/login/password")
	there.Click("#sign-in")
	there.at("/login/password")

	// The button at the top ends this browser's session alone.
	joe.password().at("/account")
	there.password().says("#name", "Joe")
	joe.Click(".me button")
	joe.says("h1", "You are signed out")
	there.Reload()
	there.says("#name", "Joe")
	joe.Go(s.URL + "/account")
	joe.at("/login/password")
}

// activity tells a person what happened, in words.
func activity(t *testing.T, s *stage) {
	amy := s.visitor(t, s.join("Amy")).toMachineSignedOut().password()
	amy.Click("#start-reception-pc")
	amy.setUp().password().at("/login/totp").enter(amy.nextCode())
	amy.WaitURL(s.Remote + "/sessions/")
	there := amy.elsewhere().toDashboard()
	there.Fill("#username", amy.email)
	there.Fill("#password", "a wrong guess")
	there.press().password().at("/login/totp").enter(there.wrongCode()).enter(there.nextCode()).says("#name", "Amy")
	amy.Go(s.URL + "/account")
	said := amy.at("/account").Text(".log")
	for _, line := range []string{
		"You signed in", "A wrong password was entered", "A wrong authenticator code was entered", "Authenticator app set up",
		"New backup codes made", "Entered Take Control", "Entered Dashboard",
	} {
		if !strings.Contains(said, line) {
			t.Errorf("recent activity lacks %q", line)
		}
	}
	if strings.Contains(said, "Something else") {
		t.Errorf("recent activity has no words for something: %s", said)
	}
}
