package browserstory

import (
	"strings"
	"testing"
	"time"
)

// Ways back in for who lost something.
func TestWaysBack(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		t.Run("forgotten password", func(t *testing.T) { forgotten(t, s) })
		t.Run("recovery code", func(t *testing.T) { recovery(t, s) })
		t.Run("one code that resets", func(t *testing.T) { oneCode(t, s) })
		t.Run("this wasn't me", func(t *testing.T) { wasntMe(t, s) })
	})
}

// forgotten: a link by mail gives a new password, and the second step is asked
// for as before.
func forgotten(t *testing.T, s *stage) {
	flo := s.withApp(t, "Flo").toDashboard().at("/login/password")
	flo.ClickText("Forgot password?")
	flo.at("/forgot").press().says("#username-problem", "Enter your e-mail address.")
	flo.Fill("#username", flo.email)
	flo.press().at("/forgot/sent").says("h1", "Look into your mail").reads("If we know this address")
	asked := flo.Text("main")
	link := s.LinkTo(t, flo.email)
	flo.ClickText("Sign in")
	flo.at("/login/password") // of the sign-in they came from

	// The same is said where nobody has the address, and nothing is sent.
	stranger := s.visitor(t, "nobody@nowhere.example")
	stranger.Go(s.URL + "/forgot")
	stranger.Fill("#username", stranger.email)
	if stranger.press().at("/forgot/sent"); stranger.Text("main") != asked {
		t.Errorf("a stranger reads %q, and a person %q", stranger.Text("main"), asked)
	}
	if mails := s.MailsTo(t, stranger.email); len(mails) != 0 {
		t.Errorf("sent: %v", mails)
	}

	flo.Go(link)
	flo.at("/set-up").says("h1", "Choose a password")
	flo.Fill("#password", goodPassword)
	flo.Fill("#repeat", goodPassword)
	flo.press().passwordIs(goodPassword).at("/login/totp").enter(flo.nextCode()).at("/account").reads("Password changed")
	waitForMail(t, s, flo.email, "Your password was changed")
	flo.Go(link)
	flo.says("h1", "This link was already used")
	old := flo.elsewhere().toDashboard()
	old.password().says("#password-problem", "don't match")
}

// helps leads an owner from their account to somebody in the console.
func (v *visitor) helps(name, email string) *visitor {
	v.t.Helper()
	v.Go(v.s.URL + "/account")
	v.at("/account").ClickText("To the console")
	v.in("people").Fill("#q", "nobody@acme.example")
	v.ClickText("Search")
	v.reads("Nobody matches.").Fill("#q", email)
	v.ClickText("Search")
	v.reads(email).ClickText(name)
	return v.says("h1", name)
}

// issues has an owner issue a recovery code for somebody.
func (v *visitor) issues(name, email string) (code string) {
	v.t.Helper()
	v.helps(name, email).ClickText("Issue a recovery code")
	v.says("h1", "Issue a recovery code for "+name).reads("Speak to them first").press()
	v.says("h1", "A recovery code").reads("yourself, in person or by phone", clock(v.s.Clock.Now().Add(time.Hour)))
	code = v.Text("#recovery-code")
	v.press().says("h1", name)
	return code
}

// loses goes from the code that a person can't know to the recovery code.
func (v *visitor) loses() *visitor {
	v.t.Helper()
	v.toDashboard().password().at("/login/totp").ClickText("Confirm another way")
	v.at("/login/choose").ClickText("Backup code")
	v.at("/login/backup-code").ClickText("Use a recovery code from your company's owner")
	return v.at("/login/recovery-code")
}

// recovery: an owner lets somebody in who has lost all.
func recovery(t *testing.T, s *stage) {
	olga := s.visitor(t, "olga@acme.example").givenApp().onAccount()
	lou := s.withApp(t, "Lou")
	code := olga.issues("Lou", lou.email)
	waitForMail(t, s, lou.email, "A recovery code was issued for you")

	// It can be put off, for this time.
	lou.loses().enter("no such code").says("#code-problem", "That is not your recovery code.")
	lou.enter(strings.ToUpper(code)).at("/login/why").reads("You signed in with a recovery code. Set up a method now, or you will need another code next time.")
	lou.ClickText("Later")
	lou.says("#name", "Lou")
	waitForMail(t, s, lou.email, "A recovery code was used to sign in")
	waitForMail(t, s, olga.email, "Lou signed in with a recovery code")

	// It works once.
	lou.elsewhere().loses().enter(code).says("#code-problem", "That is not your recovery code.")

	s.Clock.Advance(time.Minute)
	code = olga.issues("Lou", lou.email)
	back := lou.elsewhere().loses()
	back.enter(code).setUp().password().at("/login/totp")
	old := lou.code()
	s.Clock.Advance(30 * time.Second)
	if back.key == lou.key {
		t.Error("the lost app is back")
	}
	back.enter(old).says("#code-problem", "That code didn't match.")
	back.enter(back.code()).says("#name", "Lou")
}

// oneCode: a company may have people keep a single code, which removes what was
// lost.
func oneCode(t *testing.T, s *stage) {
	s.company("single", "staff: {mode: required}, backup_codes: 1, backup_code_resets: true")
	ron := s.visitor(t, s.joinAt("single", "Ron")).toDashboard()
	ron.password().at("/login/why").press()
	ron.at("/login/set-up").picks("totp")
	ron.at("/login/set-up/scan").readKey().press()
	ron.enter(ron.code()).at("/login/backup-codes").says("h1", "Save your backup code").
		reads("Using it removes your second steps, and you set up a new one at once.").saves()
	if len(ron.codes) != 1 {
		t.Fatalf("%d codes", len(ron.codes))
	}
	lost := ron.elsewhere().toDashboard().password().at("/login/totp")
	lost.ClickText("Confirm another way")
	lost.ClickText("Backup code")
	lost.at("/login/backup-code").enter(ron.codes[0])
	lost.at("/login/why").reads("You signed in with your backup code, which removed your second steps. Set up a new one now.")
	if strings.Contains(lost.Text("main"), "Not now") {
		t.Error("it can be put off")
	}
	waitForMail(t, s, ron.email, "A backup code removed your second steps")
	lost.setUp().password().at("/login/totp").enter(lost.nextCode()).says("#name", "Ron")
	if len(lost.codes) != 1 || lost.codes[0] == ron.codes[0] {
		t.Errorf("codes: %v, then %v", ron.codes, lost.codes)
	}
}

// wasntMe: one press ends what somebody else has begun.
func wasntMe(t *testing.T, s *stage) {
	ash := s.withApp(t, "Ash")
	thief := ash.elsewhere().onAccount()
	thief.ClickText("Make new codes")
	thief.at("/account/backup-codes").press().saves()
	thief.at("/account")
	waitForMail(t, s, ash.email, "New backup codes were made for your account")

	ash.Go(s.LinkTo(t, ash.email))
	ash.at("/link").says("h1", "Was it not you?").press()
	ash.says("h1", "Your account is safe for now")
	waitForMail(t, s, "olga@acme.example", "Ash says: this wasn't me")
	waitForMail(t, s, ash.email, "Your account at "+strings.TrimPrefix(s.URL, "http://")+" is protected")
	thief.Reload()
	thief.at("/login/password")

	locked := ash.elsewhere().onAccount()
	if words := locked.Text("main"); !strings.Contains(words, "nothing about how you sign in can be changed") || strings.Contains(words, "Turn off") || strings.Contains(words, "Change password") {
		t.Errorf("the account reads %s", words)
	}
	locked.Go(s.URL + "/account/password")
	locked.at("/account")

	// An owner who has spoken to them lets changes be made again.
	olga := s.visitor(t, "olga@acme.example").givenApp().onAccount().helps("Ash", ash.email)
	olga.reads("They said “This wasn't me”").ClickText("Allow changes again")
	olga.says("h1", "Let Ash try again").press()
	olga.says("h1", "Ash").reads("They can try again, and change how they sign in.")
	locked.Go(s.URL + "/account")
	locked.at("/account").reads("Change password")
}
