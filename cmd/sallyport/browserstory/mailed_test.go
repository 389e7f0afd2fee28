package browserstory

import (
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
)

// Links by mail: to begin, and to change the address.
func TestMailedLinks(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		t.Run("invitation", func(t *testing.T) { invitation(t, s) })
		t.Run("another address", func(t *testing.T) { anotherAddress(t, s) })
	})
}

func invitation(t *testing.T, s *stage) {
	s.Apply(`people: [{email: zac@acme.example, company: acme, name: Zac}]`)
	zac := s.visitor(t, "zac@acme.example")
	user, err := s.DB.UserByEmail(t.Context(), zac.email)
	var link string
	if err == nil {
		err = s.DB.Write(t.Context(), func(tx *storage.Tx) (err error) {
			link, _, err = notify.NewLink(t.Context(), tx, s.URL, notify.LinkInvite, user.ID, user.Email, notify.LinkInviteLifetime, s.Clock.Now())
			return err
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(5 * 24 * time.Hour)
	zac.Go(link)
	if got := zac.at("/set-up").reads("For your account at Acme.").Value("#username"); got != zac.email {
		t.Errorf("the invitation is for %q", got)
	}
	zac.Fill("#password", goodPassword)
	zac.Fill("#repeat", goodPassword)
	zac.press().passwordIs(goodPassword).at("/account").says(`[aria-labelledby="reach"]`, "Confirmed") // the mail has arrived
	zac.Go(link)
	zac.says("h1", "This link was already used")
}

func anotherAddress(t *testing.T, s *stage) {
	const newer = "eve.newname@acme.example"
	eve := s.visitor(t, s.join("Eve")).onAccount()
	old := eve.email
	there := eve.elsewhere().onDashboard()
	eve.ClickText("Change e-mail address")
	eve.at("/account/email").reads("Now it is "+old).press().says("#email-problem", "Enter the new e-mail address.")
	eve.Fill("#email", old)
	eve.press().says("#email-problem", "This is your e-mail address already.")
	eve.Fill("#email", newer)
	eve.press().says("h1", "Look into your mail").reads(newer).press()
	eve.at("/account").reads("takes its place once you have opened the link we sent there")

	eve.Go(s.LinkTo(t, newer))
	eve.at("/link").says("h1", "Use this e-mail address?").reads(newer).press()
	eve.says("h1", "Your e-mail address is changed")
	waitForMail(t, s, old, "Your e-mail address was changed")
	waitForMail(t, s, newer, "Your e-mail address was changed")
	there.reads("You were signed out by Sallyport.")

	there.Click("#sign-in")
	there.password().says("#password-problem", "don't match")
	there.email = newer
	there.password().says("#name", "Eve")
}
