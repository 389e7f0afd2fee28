package browserstory

import (
	"strings"
	"testing"
	"time"
)

// Codes by e-mail: turned on in the account, asked for at sign-in.
func TestEmailCodes(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		s.company("mailed", "set_up_by_email: off")
		eli := s.visitor(t, s.joinAt("mailed", "Eli")).onAccount()
		eli.ClickText("Turn on e-mail codes")
		eli.at("/account/email-codes").reads("Step 1 of 3", "Weaker", "e•••@mailed.example").press()
		eli.at("/account/email-codes/email/code").reads("Step 2 of 3", "we sent to e•••@mailed.example.", "look among your spam")
		code := s.CodeTo(t, eli.email)
		eli.enter(otherThan(code)).says("#code-problem", "That code didn't match.")
		eli.enter(code).saves().at("/account").reads("E-mail codes turned on").says(`[aria-labelledby="two-step"] .badge`, "On")
		waitForMail(t, s, eli.email, "E-mail codes were turned on for your account")

		s.Clock.Advance(30 * time.Second)
		there := eli.again().at("/login/email-code").reads("You turned on two-step verification.", "we sent to e•••@mailed.example.")
		late := s.CodeTo(t, eli.email)
		there.Reload() // sends no other
		s.Clock.Advance(time.Hour / 6)
		there.later().enter(late).says("#code-problem", "That code has expired.")
		there.ClickText("Send a new code")
		there.enter(s.CodeTo(t, eli.email)).says("#name", "Eli")
		if claims := there.claims(); !strings.Contains(claims, "urn:sallyport:acr:2sv") {
			t.Errorf("claims: %s", claims)
		}

		s.Clock.Advance(time.Minute)
		eli.again().at("/login/email-code").enter(s.CodeTo(t, eli.email)).says("#name", "Eli")
	})
}
