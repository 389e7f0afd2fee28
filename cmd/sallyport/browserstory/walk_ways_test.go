package browserstory

import (
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/browsertest"
)

// walkWays is setting up and using the ways other than an app.
func walkWays(t *testing.T, s *stage, see func(string, *visitor)) {
	s.company("walked", "staff: {mode: required}, set_up_by_email: off")
	walkKeys(t, s, see)
	walkTexts(t, s, see)
	walkMails(t, s, see)
}

func walkKeys(t *testing.T, s *stage, see func(string, *visitor)) {
	v := s.visitor(t, s.joinAt("walked", "Kit")).toDashboard()
	key := browsertest.NewAuthenticator(v.Page, browsertest.AuthenticatorOptions{SecurityKey: true})
	v.password().at("/login/why")
	see("why-company", v)
	v.press()
	v.at("/login/set-up").picks("webauthn")
	see("set-up-key", v.at("/login/set-up/key"))
	v.Fill("#name", "Blue key on the key ring")
	v.press().at("/login/backup-codes")
	key.Touch(false)
	see("sign-in-anew-key", v.saves().at("/login/password"))
	v.password().at("/login/passkey")
	see("use-key", v)
	v.ClickText("Confirm another way")
	see("choose-key", v)
	v.ClickText("Passkey or security key")
	held := key.Keys()[0].CredentialID
	key.Touch(true)
	v.at("/login/passkey").press().says("#name", "Kit")
	key.SetCounter(held, 0)
	v.Go(s.Dashboard)
	v.Click("#sign-out")
	key.Touch(false)
	v.Click("#sign-in")
	v.password().at("/login/passkey")
	key.Touch(true)
	v.press().says("#problem", "a copy of it may exist")
	see("use-key-copy", v)

	plain := v.elsewhere().withoutScripts().toDashboard().password().at("/login/passkey")
	see("use-key-without-scripts", plain)
	key.SetCounter(held, 100)
	v.press().says("#name", "Kit")
	v.Go(s.URL + "/account")
	see("account-key", v)
	v.ClickText("Rename Blue key on the key ring")
	v.Fill("#name", "")
	v.press()
	see("account-rename", v)
	v.Go(s.URL + "/account/passkeys/new/key")
	see("account-key-new", v)
	v.press().says("[data-webauthn-registered]", "set up already")
	see("account-key-taken", v)
	v.Go(s.URL + "/account")
	v.ClickText("Remove Blue key on the key ring")
	see("account-last-factor", v)
}

func walkTexts(t *testing.T, s *stage, see func(string, *visitor)) {
	const number = "+41795550707"
	v := s.visitor(t, s.joinAt("walked", "Tia")).toPhone()
	see("set-up-phone", v)
	v.Fill("#phone", "079")
	v.press()
	see("set-up-phone-wrong", v)
	v.ClickText("Text us instead")
	v.at("/login/set-up/phone/text")
	see("set-up-text", v)
	v.press()
	see("set-up-text-not-yet", v)
	v.ClickText("Have a code sent to you instead")
	v.at("/login/set-up/phone").Fill("#phone", number)
	v.press().at("/login/set-up/phone/code")
	code := s.Phone.Code(t, number)
	v.reads("It works until")
	see("set-up-phone-code", v)
	v.enter(otherThan(code))
	see("set-up-phone-code-wrong", v)
	v.enter(code).at("/login/backup-codes").saves()
	s.Clock.Advance(30 * time.Second)
	v.at("/login/password").password().at("/login/text-message").reads("It works until")
	see("text-code", v)
	v.enter(s.Phone.Code(t, number)).says("#name", "Tia")
	v.Go(s.URL + "/account/text-messages/phone")
	see("account-phone", v)
	v.Go(s.URL + "/account")
	see("account-text", v)
}

func walkMails(t *testing.T, s *stage, see func(string, *visitor)) {
	v := s.visitor(t, s.join("Emi")).onAccount()
	v.ClickText("Turn on")
	see("account-by-link", v)
	v.Go(s.LinkTo(t, v.email))
	see("account-link", v)
	v.press().at("/account/set-up")
	see("account-choose", v)
	v.picks("email").at("/account/set-up/email/code")
	see("account-email-code", v)
	v.enter(s.CodeTo(t, v.email)).saves().at("/account").ClickText("Remove e-mail codes")
	see("account-remove", v)
	s.Clock.Advance(30 * time.Second)
	there := v.again().at("/login/email-code")
	see("email-code", there)
}
