package browserstory

import (
	"strings"
	"testing"
	"time"
)

// Codes that are out of reach, wrong or used.
func TestCodes(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		t.Run("backup code", func(t *testing.T) { backupCode(t, s) })
		t.Run("back-off", func(t *testing.T) { backOff(t, s) })
		t.Run("wrong codes of two kinds", func(t *testing.T) { twoKinds(t, s) })
	})
}

// A backup code gets in once.
func backupCode(t *testing.T, s *stage) {
	kim := s.withApp(t, "Kim")
	chooses := func(v *visitor) *visitor {
		v.toDashboard().password().at("/login/totp").ClickText("Don't know the code? Confirm another way")
		v.at("/login/choose").reads("Authenticator app", "Backup code").ClickText("Backup code")
		return v.at("/login/backup-code")
	}
	lost := chooses(kim)
	// Typed as people do: capitals, blanks, and an O for the 0.
	lost.enter(strings.NewReplacer("-", " ", "0", "O").Replace(strings.ToUpper(kim.codes[3])))
	lost.says("#name", "Kim")
	waitForMail(t, s, kim.email, "A backup code was used to sign in")
	lost.Go(s.URL + "/account")
	lost.at("/account").reads("9 of 10 left", "A backup code was used")

	again := chooses(kim.elsewhere())
	again.enter(kim.codes[3]).says("#code-problem", "That is not one of your backup codes.").says("#code-problem", "4 tries left.")
	again.enter(kim.codes[4]).says("#name", "Kim")
}

// Five wrong codes end a sign-in. Another one can begin at once, and says when
// codes are taken again.
func backOff(t *testing.T, s *stage) {
	max := s.withApp(t, "Max")
	max.toDashboard().password()
	for _, left := range []string{"4 tries left.", "3 tries left.", "2 tries left.", "1 try left."} {
		max.at("/login/totp").enter(max.wrongCode()).says("#code-problem", left)
	}
	from := upTo(s.Clock.Now().Add(30 * time.Second))
	max.enter(max.wrongCode()).says("h1", "Too many wrong codes").reads("You can start again after " + clock(from))
	ended := max.URL()
	max.Reload()
	max.says("h1", "Too many wrong codes")
	max.Go(s.URL + "/login/totp?r=" + max.request())
	if max.URL() != ended {
		t.Errorf("a sign-in that ended goes on at %s", max.URL())
	}
	max.ClickText("Start again")
	max.password().at("/login/totp").enter(max.code()).says("#code-problem", "Too many tries. Try again after "+clock(from))
	max.says("#problem", clock(from))
	s.Clock.Advance(31 * time.Second)
	max.enter(max.code()).says("#name", "Max")
}

// Wrong codes count towards the end of a sign-in whatever their kind.
func twoKinds(t *testing.T, s *stage) {
	zoe := s.withApp(t, "Zoe")
	zoe.toDashboard().password().at("/login/totp")
	for _, left := range []string{"4 tries left.", "3 tries left.", "2 tries left."} {
		zoe.enter(zoe.wrongCode()).says("#code-problem", left)
	}
	zoe.ClickText("Confirm another way")
	zoe.ClickText("Backup code")
	zoe.enter("none-such-code-here").says("#code-problem", "1 try left.")
	zoe.enter("none-such-code-here").says("h1", "Too many wrong codes").reads("You can start again.")
	zoe.ClickText("Start again")
	zoe.password().at("/login/totp").enter(zoe.nextCode()).says("#name", "Zoe")
}

// upTo is the full minute at or after a time: pages show no seconds.
func upTo(at time.Time) time.Time { return at.Add(time.Minute - time.Nanosecond).Truncate(time.Minute) }
