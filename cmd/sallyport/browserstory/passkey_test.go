package browserstory

import (
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/browsertest"
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// Passkeys and security keys.
func TestPasskeys(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		s.company("keyed", "staff: {mode: required}, set_up_by_email: off")
		t.Run("in the flow", func(t *testing.T) { keyInFlow(t, s) })
		t.Run("second step", func(t *testing.T) { keySecond(t, s) })
		t.Run("cancelled", func(t *testing.T) { keyCancelled(t, s) })
		t.Run("without verification", func(t *testing.T) { keyUnverified(t, s) })
		t.Run("a copy", func(t *testing.T) { keyCopied(t, s) })
		t.Run("removed", func(t *testing.T) { keyRemoved(t, s) })
		t.Run("without scripts", func(t *testing.T) { keyWithoutScripts(t, s) })
	})
}

// withKey is a new person whose company requires two steps, and who has just
// set up a key in the flow. They are asked to sign in, and nobody touches the
// key.
func (s *stage) withKey(t *testing.T, name string, o browsertest.AuthenticatorOptions) (*visitor, *browsertest.Authenticator) {
	t.Helper()
	v := s.visitor(t, s.joinAt("keyed", name)).toDashboard()
	key := browsertest.NewAuthenticator(v.Page, o)
	v.password().at("/login/why").reads("Keyed requires two-step verification.").press()
	v.at("/login/set-up").picks("webauthn")
	v.at("/login/set-up/key").Fill("#name", "Work laptop")
	v.press().at("/login/backup-codes")
	key.Touch(false)
	v.onEveryPage(`{
		const get = CredentialsContainer.prototype.get;
		CredentialsContainer.prototype.get = function (how) {
			const answer = get.call(this, how);
			document.documentElement.dataset.asked = how.mediation;
			return answer;
		};
	}`)
	return v.saves().at("/login/password"), key
}

// presses presses "Use a passkey" and touches the key. What the page asked for
// by itself before is out by then, so that the touch doesn't answer that.
func (v *visitor) presses(key *browsertest.Authenticator) *visitor {
	v.t.Helper()
	v.Text("[data-asked=conditional]")
	key.Touch(true)
	v.ClickText("Use a passkey")
	return v
}

// keyInFlow: a passkey set up at sign-in is all it takes from then on.
func keyInFlow(t *testing.T, s *stage) {
	pam, key := s.withKey(t, "Pam", browsertest.AuthenticatorOptions{})
	waitForMail(t, s, pam.email, "A passkey or security key was added to your account")
	pam.presses(key).says("#name", "Pam")
	if claims := pam.claims(); !strings.Contains(claims, `"phr`) {
		t.Errorf("the product isn't told of a passkey: %s", claims)
	}
	if len(key.Keys()) != 1 {
		t.Errorf("%d keys", len(key.Keys()))
	}

	// Where the browser offers it in the field, no button is needed, nor a name.
	pam.Go(s.Dashboard)
	pam.Click("#sign-out")
	pam.Click("#sign-in")
	pam.says("#name", "Pam")
}

// keySecond: after the password it is the second step.
func keySecond(t *testing.T, s *stage) {
	sue, key := s.withKey(t, "Sue", browsertest.AuthenticatorOptions{SecurityKey: true})
	sue.password().at("/login/passkey").reads("Keyed requires two-step verification.", "connect your security key")
	key.Touch(true)
	sue.press().says("#name", "Sue")
	if claims := sue.claims(); !strings.Contains(claims, `"pwd"`) || !strings.Contains(claims, `"mfa"`) {
		t.Errorf("claims: %s", claims)
	}
}

// keyCancelled: who closes the dialog knows that they did.
func keyCancelled(t *testing.T, s *stage) {
	con := s.visitor(t, s.joinAt("keyed", "Con")).toDashboard()
	con.password().at("/login/why").press()
	con.at("/login/set-up").picks("webauthn")
	con.onEveryPage(`CredentialsContainer.prototype.create = () => Promise.reject(new DOMException("closed", "NotAllowedError"));`)
	con.at("/login/set-up/key").Reload()
	con.press().Text("main .primary:enabled:focus")
	if words := con.Text("main"); strings.Contains(words, "couldn't do that") {
		t.Errorf("a dialog that was closed is an error: %s", words)
	}
	con.ClickText("Choose something else")
	con.at("/login/set-up").picks("totp")
	con.at("/login/set-up/scan")

	// What isn't the person's doing is said.
	con.onEveryPage(`CredentialsContainer.prototype.create = () => Promise.reject(new DOMException("no", "NotSupportedError"));`)
	con.Go(s.URL + "/login/set-up/key?r=" + con.request())
	con.press().says("[data-webauthn-error]", "Your browser couldn't do that.")
}

// keyUnverified: a security key that asks for no PIN is a second step, and
// never a sign-in by itself.
func keyUnverified(t *testing.T, s *stage) {
	uma, key := s.withKey(t, "Uma", browsertest.AuthenticatorOptions{SecurityKey: true})
	plain := browsertest.NewAuthenticator(uma.Page, browsertest.AuthenticatorOptions{SecurityKey: true, NoUserVerification: true})
	key.CopyTo(plain, key.Keys()[0].CredentialID)
	key.Remove()
	uma.Reload()
	uma.ClickText("Use a passkey")
	uma.Text(`[data-webauthn="get"] button:enabled`)
	uma.at("/login/password").password().at("/login/passkey").press()
	uma.says("#name", "Uma")
}

// keyCopied: a counter that goes back tells of a copy.
func keyCopied(t *testing.T, s *stage) {
	nell, key := s.withKey(t, "Nell", browsertest.AuthenticatorOptions{SecurityKey: true})
	thief := nell.elsewhere().toDashboard()
	stolen := browsertest.NewAuthenticator(thief.Page, browsertest.AuthenticatorOptions{SecurityKey: true, NoTouch: true})
	key.CopyTo(stolen, key.Keys()[0].CredentialID)
	nell.password().at("/login/passkey")
	key.Touch(true)
	nell.press().says("#name", "Nell")

	thief.password().at("/login/passkey")
	stolen.Touch(true)
	thief.press().says("#problem", "This key was refused, because a copy of it may exist.")
	waitForMail(t, s, nell.email, "A copy of your security key may exist")
	thief.ClickText("Confirm another way")
	thief.at("/login/choose").reads("Passkey or security key", "Backup code")
}

// keyRemoved: a key that is no longer good is refused, and the browser told.
func keyRemoved(t *testing.T, s *stage) {
	ray, key := s.withKey(t, "Ray", browsertest.AuthenticatorOptions{})
	user, err := s.DB.UserByEmail(t.Context(), ray.email)
	if err == nil {
		err = s.DB.Write(t.Context(), func(tx *storage.Tx) error {
			_, err := tx.DeleteFactors(t.Context(), user.ID, string(policy.WebAuthn))
			return err
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	ray.presses(key).says("#problem", "That passkey or security key didn't work.")
	key.WaitKeys(0)
}

// keyWithoutScripts: what can't work isn't shown, and another way does.
func keyWithoutScripts(t *testing.T, s *stage) {
	ivy, _ := s.withKey(t, "Ivy", browsertest.AuthenticatorOptions{})
	plain := ivy.elsewhere().withoutScripts().toDashboard().at("/login/password")
	if strings.Contains(plain.Text("main"), "Use a passkey") {
		t.Error("a button that needs scripts is there without them")
	}
	plain.password().at("/login/passkey").reads("need JavaScript, which is turned off here")
	if strings.Contains(plain.Text("main"), "Use passkey or security key") {
		t.Error("a button that needs scripts is there without them")
	}
	plain.ClickText("Confirm another way")
	plain.at("/login/choose").ClickText("Backup code")
	plain.at("/login/backup-code").enter(ivy.codes[0]).says("#name", "Ivy")
}
