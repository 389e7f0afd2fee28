package browserstory

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
)

const goodPassword = "seven green bicycles"

// A new provider has no owner until somebody opens the link of the log.
func TestFirstOwner(t *testing.T) {
	each(t, func(t *testing.T, demo *stage) {
		s := &stage{Demo: &servertest.Demo{Instance: servertest.Start(t, demo.engine)}, engine: demo.engine, browser: demo.browser}
		ola := s.visitor(t, "ola@bakery.example")
		ola.Go(s.URL)
		ola.says("h1", "Welcome to Sallyport").reads("a set-up link")
		link, err := s.Server.FirstOwnerLink(t.Context())
		if err != nil || link == "" {
			t.Fatalf("link %q, %v", link, err)
		}
		ola.Go(link)
		ola.press().says("#company-problem", "Enter the name of your company.")
		ola.Fill("#company", "Bakery North")
		ola.Fill("#name", "Ola Nord")
		ola.Fill("#username", ola.email)
		ola.Fill("#password", "short")
		ola.Fill("#repeat", "short")
		ola.press().says("#password-problem", "Choose a password of at least 15 characters.")
		if ola.Value("#company") != "Bakery North" || ola.Value("#username") != ola.email {
			t.Error("what was entered is gone")
		}
		ola.Fill("#password", goodPassword)
		ola.Fill("#repeat", "seven green tricycles")
		ola.press().says("#repeat-problem", "The two passwords differ.")
		ola.Fill("#password", goodPassword)
		ola.Fill("#repeat", goodPassword)
		ola.press().passwordIs(goodPassword).at("/account").reads("Ola Nord", "You became the owner of your company")

		// The link is used up, and there is no second one.
		ola.Go(link)
		ola.says("h1", "This link was already used")
		ola.ClickText("Sign in")
		ola.at("/account")
		if link, err := s.Server.FirstOwnerLink(t.Context()); err != nil || link != "" {
			t.Errorf("a link for a second first owner: %q, %v", link, err)
		}
		ola.Go(s.URL)
		ola.at("/account")
	})
}

// A set-up link lets a person choose a password, once and for two hours. It
// skips no second factor, and it ends what runs.
func TestSetUpLink(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		wim := s.withApp(t, "Wim").onDashboard()
		there := wim.elsewhere()
		link := s.setUpLink(t, wim.email)
		there.Go(link)
		there.says("h1", "Choose a password").reads("For your account at Acme.")
		if got := there.Value("#username"); got != wim.email {
			t.Errorf("the link is for %q", got)
		}
		there.Fill("#password", "wim acme wim acme")
		there.Fill("#repeat", "wim acme wim acme")
		there.press().says("#password-problem", "made of a name that is easy to guess")
		there.Fill("#password", goodPassword)
		there.Fill("#repeat", goodPassword)
		there.press().passwordIs(goodPassword).at("/login/totp").enter(there.nextCode()).at("/account").reads("Password changed")
		waitForMail(t, s, wim.email, "Your password was changed")
		wim.reads("You were signed out by Sallyport.")

		there.Go(link)
		there.says("h1", "This link was already used")
		late := s.setUpLink(t, wim.email)
		s.Clock.Advance(2*time.Hour + time.Second)
		there.Go(late)
		there.says("h1", "This link has expired")
		there.Go(strings.TrimSuffix(late, late[len(late)-4:]))
		there.says("h1", "We don't know this link")
	})
}

// setUpLink makes a link for a person.
func (s *stage) setUpLink(t *testing.T, email string) (link string) {
	t.Helper()
	user, err := s.DB.UserByEmail(t.Context(), email)
	if err == nil {
		err = s.DB.Write(t.Context(), func(tx *storage.Tx) (err error) {
			link, _, err = notify.NewLink(t.Context(), tx, s.URL, notify.LinkSetUp, user.ID, "", notify.LinkSetUpLifetime, s.Clock.Now())
			return err
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return link
}
