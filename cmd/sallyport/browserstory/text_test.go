package browserstory

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

// Codes by text message, and text messages the other way.
func TestTextMessages(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		s.company("texted", "staff: {mode: required}, set_up_by_email: off")
		t.Run("we text", func(t *testing.T) { weText(t, s) })
		t.Run("they text", func(t *testing.T) { theyText(t, s) })
		t.Run("they text without scripts", func(t *testing.T) { theyTextPlain(t, s) })
		t.Run("in the account", func(t *testing.T) { textInTheAccount(t, s) })
	})
}

// toPhone goes to the page that asks for a number.
func (v *visitor) toPhone() *visitor {
	v.t.Helper()
	v.toDashboard().password().at("/login/why").press()
	v.at("/login/set-up").picks("sms")
	return v.at("/login/set-up/phone")
}

func weText(t *testing.T, s *stage) {
	const number, typed = "+41795550101", "+41 79 555 01 01"
	mia := s.visitor(t, s.joinAt("texted", "Mia")).toPhone().reads("Step 2 of 4")
	mia.press().says("#phone-problem", "Enter your mobile number.")
	mia.Fill("#phone", "079 555 01 01")
	mia.press().says("#phone-problem", "with its country code")
	if got := mia.Value("#phone"); got != "079 555 01 01" {
		t.Errorf("what was entered has become %q", got)
	}
	mia.Fill("#phone", typed)
	mia.press().at("/login/set-up/phone/code").reads("Step 3 of 4", "we sent to •••• 01.", "It works until")
	text := s.Phone.Newest(t, number).Body
	code := s.Phone.Code(t, number)
	if lines := strings.Split(text, "\n"); lines[len(lines)-1] != "@localhost #"+code {
		t.Errorf("no browser can fill in the code of %q", text)
	}
	mia.enter(otherThan(code)).says("#code-problem", "Enter the newest code we sent. 4 tries left.")
	mia.enter(code).at("/login/backup-codes").saves()
	waitForMail(t, s, mia.email, "Text-message codes were set up for your account")

	// At sign-in: where to, until when, and when another one can be had.
	s.Clock.Advance(30 * time.Second)
	sent := s.Clock.Now()
	mia.at("/login/password").password().at("/login/text-message").reads("Texted requires two-step verification.", "we sent to •••• 01.")
	mia.says("#code-sent time", "UTC").says("#resend-hint", inSeconds(sent.Add(30*time.Second)))
	if !mia.Has(`[name="resend"]:disabled`) {
		t.Error("another code can be asked for at once")
	}
	first := s.Phone.Code(t, number)
	s.Clock.Advance(31 * time.Second)
	mia.later().Reload()
	mia.WaitGone("#resend-hint")
	mia.ClickText("Send a new code")
	second := s.Phone.Code(t, number)
	if mia.at("/login/text-message"); first != second { // else they are alike by chance
		mia.enter(first).says("#code-problem", "3 tries left.") // one was wrong while setting up
	}
	mia.enter(second[:3]+" "+second[3:]).says("#name", "Mia")
	if claims := mia.claims(); !strings.Contains(claims, `"sms"`) || !strings.Contains(claims, `"mfa"`) {
		t.Errorf("claims: %s", claims)
	}

	// Without scripts the button is there, and the server says it is too early.
	s.Clock.Advance(30 * time.Second)
	plain := mia.elsewhere().withoutScripts().toDashboard().password().at("/login/text-message")
	plain.ClickText("Send a new code")
	plain.says("#problem", "You can have it sent again after "+inSeconds(s.Clock.Now().Add(30*time.Second)))
	plain.enter(s.Phone.Code(t, number)).says("#name", "Mia")
}

// theyText: a word sent from the phone tells its number, and the page goes on.
func theyText(t *testing.T, s *stage) {
	const number = "+41795550202"
	max := s.visitor(t, s.joinAt("texted", "Maxi")).toPhone()
	max.ClickText("Text us instead")
	max.at("/login/set-up/phone/text").reads("Send us a text message", servertest.Number, "Send it before")
	word := max.Text("dl.big code")
	if got := s.Phone.Send(t, s.Instance, number, " "+strings.ToLower(word)+" "); got != 204 {
		t.Fatalf("the message was answered %d", got)
	}
	max.at("/login/set-up/phone/code").reads("we sent to •••• 02.")
	max.enter(s.Phone.Code(t, number)).at("/login/backup-codes").saves()
	s.Clock.Advance(30 * time.Second)
	max.at("/login/password").password().at("/login/text-message").enter(s.Phone.Code(t, number)).says("#name", "Maxi")
}

func theyTextPlain(t *testing.T, s *stage) {
	const number = "+41795550303"
	moe := s.visitor(t, s.joinAt("texted", "Moe")).withoutScripts().toPhone()
	moe.ClickText("Text us instead")
	moe.at("/login/set-up/phone/text").press().says("#problem", "Your text message has not arrived yet.")
	if got := s.Phone.Send(t, s.Instance, number, moe.Text("dl.big code")); got != 204 {
		t.Fatalf("the message was answered %d", got)
	}
	moe.press().at("/login/set-up/phone/code").enter(s.Phone.Code(t, number)).at("/login/backup-codes")
}

func textInTheAccount(t *testing.T, s *stage) {
	const number, another = "+41795550404", "+41795550505"
	s.company("open", "set_up_by_email: off")
	may := s.visitor(t, s.joinAt("open", "May")).onAccount()
	may.ClickText("Set up text messages")
	may.at("/account/text-messages/phone").Fill("#phone", number)
	may.press().at("/account/text-messages/phone/code").enter(s.Phone.Code(t, number)).saves()
	may.at("/account").reads("•••• 04", "Text-message codes set up").says(`[aria-labelledby="two-step"] .badge`, "On")

	may.ClickText("Use another number")
	may.at("/account/text-messages/phone").Fill("#phone", another)
	may.press().at("/account/text-messages/phone/code").enter(s.Phone.Code(t, another))
	may.at("/account").reads("•••• 05", "Number for text-message codes changed")
	waitForMail(t, s, may.email, "The number for your text-message codes was changed")
	s.Clock.Advance(30 * time.Second)
	may.again().at("/login/text-message").enter(s.Phone.Code(t, another)).says("#name", "May")

	may.ClickText("Remove •••• 05")
	may.at("/account/text-messages/remove").says("h1", "Remove text-message codes?").press()
	may.at("/account").reads("Text-message codes removed").says(`[aria-labelledby="two-step"] .badge`, "Off")
}

// otherThan is a code of six digits that is wrong.
func otherThan(code string) string {
	if code == "000000" {
		return "111111"
	}
	return "000000"
}

// inSeconds is a time as pages show it where seconds matter.
func inSeconds(at time.Time) string { return at.UTC().Format("15:04:05") + " UTC" }
