package browserstory

import (
	"slices"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/login/notify"
)

// The main job, from end to end: sign in once, prove twice, start a remote
// session.
func TestStory(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		t.Run("with scripts", func(t *testing.T) { story(t, s, s.visitor(t, "ana@acme.example")) })
		t.Run("without scripts", func(t *testing.T) { story(t, s, s.visitor(t, s.join("Nora")).withoutScripts()) })
		t.Run("without the role", func(t *testing.T) { noRole(t, s) })
	})
}

func story(t *testing.T, s *stage, ana *visitor) {
	// She signs in to the dashboard with a password.
	ana.toDashboard().at("/login/password").says("h1", "Sign in to Dashboard")
	ana.Fill("#username", ana.email)
	ana.Fill("#password", "not her password")
	ana.press().says("#password-problem", "That e-mail and password don't match.")
	if got := ana.Value("#username"); got != ana.email {
		t.Errorf("the address is %q after a wrong password", got)
	}
	if ana.scripts {
		if ana.ClickText("Show password"); ana.Attr("#password", "type") != "text" {
			t.Error("the password isn't shown")
		}
	} else if ana.Has(".reveal:not([hidden])") {
		t.Error("a button that needs scripts is there without them")
	}
	ana.password().says("#name", name(ana))

	// The second product lets her in without a question.
	remote := ana.tab()
	remote.Go(s.Remote)
	remote.Click("#sign-in")
	remote.reads("Machines", "reception-pc")

	// A remote session wants more. The provider says why.
	remote.Click("#start-reception-pc")
	remote.at("/login/why").says("main .lead", "Take Control needs two-step verification")
	remote.press()

	// Four steps.
	remote.at("/login/set-up").reads("First step", "Google Authenticator", "Microsoft Authenticator", "Authy", "Passkey or security key", "Text message")
	remote.picks("totp")
	remote.at("/login/set-up/scan").reads("Step 2 of 4", "Can't scan? Enter this key").readKey()
	if uri := remote.Attr(`a[href^="otpauth:"]`, "href"); !remote.Has(".qr svg path") || uri == "" {
		t.Error("no QR code or no link for the app")
	}
	remote.press()
	remote.at("/login/set-up/code").reads("Step 3 of 4").enter("12345").says("#code-problem", "Enter the 6 digits your app shows.")
	remote.enter(remote.wrongCode()).says("#code-problem", "That code didn't match.").says("#code-problem", "4 tries left.")
	code := remote.code()
	remote.enter(code[:3] + " " + code[3:])
	remote.at("/login/backup-codes").reads("Last step", "Each code works once.").readCodes()
	if len(remote.codes) != 10 {
		t.Errorf("%d backup codes", len(remote.codes))
	}
	buttons(t, remote)
	remote.press().says("#saved-problem", "Tick the box")
	if again := remote.codes; !slices.Equal(again, remote.readCodes().codes) {
		t.Errorf("other codes after a reminder: %q, then %q", again, remote.codes)
	}
	remote.Check("#saved")
	remote.press()

	// The dashboard, still open in the first tab, was told.
	ana.reads("You were signed out by Sallyport.")

	// She signs in anew with both steps. The code that enrolled is spent.
	remote.at("/login/password").reads("Two-step verification is on.", ana.email)
	remote.password().at("/login/totp").enter(code).says("#code-problem", "That code was already used. Wait for the next one.")
	remote.enter(remote.nextCode())
	remote.WaitURL(s.Remote + "/sessions/")

	// The remote session runs, and shows what allowed it.
	remote.says("#claim-acr", "urn:sallyport:acr:2fa").says("#claim-amr", "mfa").says("#claim-amr", "otp").says("#claim-amr", "pwd").
		says("#claim-mfa-time time", s.Clock.Now().Format("15:04:05"))
	remote.says("#elapsed", "00:00")
	s.Clock.Advance(3 * time.Second)
	remote.reads("connected 00:03")

	// Another one takes no question.
	remote.Go(s.Remote)
	remote.reads("Two-step verification done")
	remote.Click("#start-warehouse-scanner")
	remote.WaitURL(s.Remote + "/sessions/")
	remote.reads("warehouse-scanner")

	// Nor does the dashboard.
	ana.Click("#sign-in")
	ana.says("#name", name(ana))
	ana.Click("#claims")
	ana.says("#id-token-claims", `"mfa_time"`)

	waitForMail(t, s, ana.email, "An authenticator app was set up for your account")
}

// name is how the dashboard greets.
func name(v *visitor) string {
	if v.email == "ana@acme.example" {
		return "Ana Operator"
	}
	return "Nora"
}

// buttons looks at those that keep the backup codes: they need scripts.
func buttons(t *testing.T, v *visitor) {
	t.Helper()
	for _, b := range []string{"[data-copy]", "[data-download]", "[data-print]"} {
		if shown := v.Has(b + ":not([hidden])"); shown != v.scripts {
			t.Errorf("%s shown: %t, scripts: %t", b, shown, v.scripts)
		}
	}
	if v.scripts {
		v.ClickText("Copy")
		v.reads("Copied")
	}
}

// noRole is Ben, who is told so and not asked for anything.
func noRole(t *testing.T, s *stage) {
	ben := s.visitor(t, "ben@acme.example")
	ben.Go(s.Remote)
	ben.Click("#sign-in")
	ben.password().says("#no-role", "Your role doesn't include remote sessions.")
	ben.Click("#start-reception-pc")
	ben.WaitURL(s.Remote)
	ben.says("#problem h1", "Your role doesn't include remote sessions")
}

// waitForMail waits until somebody got a mail: it leaves in the background.
func waitForMail(t *testing.T, s *stage, to, subject string) {
	t.Helper()
	deadline, tick := time.After(20*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		all := s.Mail.All()
		if slices.ContainsFunc(all, func(m notify.Mail) bool { return m.To == to && m.Subject == subject }) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("no mail %q to %s among %+v", subject, to, all)
		}
	}
}
