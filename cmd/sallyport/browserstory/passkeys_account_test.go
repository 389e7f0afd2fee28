package browserstory

import (
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/browsertest"
)

// Keys in the account: several, each with a name.
func TestPasskeysInTheAccount(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		s.company("free", "set_up_by_email: off")
		fern := s.visitor(t, s.joinAt("free", "Fern")).onAccount()
		laptop := browsertest.NewAuthenticator(fern.Page, browsertest.AuthenticatorOptions{Synced: true})
		fern.ClickText("Add a passkey")
		fern.at("/account/passkeys/new/key").Fill("#name", "Laptop")
		fern.makes().saves().at("/account").reads("Laptop", "On all your devices").
			says(`[aria-labelledby="two-step"] .badge`, "Off") // a quicker way in, and nothing more is asked for
		waitForMail(t, s, fern.email, "A passkey or security key was added to your account")

		// The same one can't be added twice.
		fern.ClickText("Add another passkey")
		fern.at("/account/passkeys/new/key").press().says("[data-webauthn-registered]", "set up already")

		other := fern.tab()
		stick := browsertest.NewAuthenticator(other.Page, browsertest.AuthenticatorOptions{SecurityKey: true})
		other.Go(s.URL + "/account/passkeys/new")
		other.Check("#two_step")
		other.makes().at("/account").says(`[aria-labelledby="two-step"] .badge`, "On")
		other.reads("Laptop", "Security key")

		fern.Go(s.URL + "/account")
		fern.ClickText("Rename Laptop")
		fern.Fill("#name", "")
		fern.press().says("#name-problem", "Enter")
		fern.Fill("#name", "The blue laptop")
		fern.press().at("/account").reads("The blue laptop", "Passkey or security key renamed")

		fern.ClickText("Remove The blue laptop")
		fern.says("h1", "Remove The blue laptop?").press()
		fern.at("/account").reads("Passkey or security key removed")
		waitForMail(t, s, fern.email, "A passkey or security key was removed from your account")
		laptop.WaitKeys(0) // the browser was told to forget it
		if len(stick.Keys()) != 1 {
			t.Errorf("%d keys on the other one", len(stick.Keys()))
		}
	})
}

// makes has the browser make a key, and waits until it is taken.
func (v *visitor) makes() *visitor {
	v.t.Helper()
	v.press().WaitGone(`[data-webauthn="create"]`)
	return v
}
