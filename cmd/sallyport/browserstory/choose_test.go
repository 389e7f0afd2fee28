package browserstory

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// Somebody with several second steps is asked for the one used last, and can
// take another one.
func TestChoose(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		const number = "+41795550606"
		val := s.withApp(t, "Val")
		user, err := s.DB.UserByEmail(t.Context(), val.email)
		if err == nil {
			err = s.DB.Write(t.Context(), func(tx *storage.Tx) error {
				f := storage.Factor{ID: storage.NewID(), UserID: user.ID, Kind: string(policy.SMS), Secret: []byte(number)}
				return tx.InsertFactor(t.Context(), f, 0, s.Clock.Now())
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		val.toDashboard().password()
		val.ClickText("Confirm another way")
		ways := val.at("/login/choose").Text(".choices")
		if app, text, backup := strings.Index(ways, "Authenticator app"), strings.Index(ways, "Text message to •••• 06"), strings.Index(ways, "Backup code"); app < 0 || text < 0 || backup < max(app, text) {
			t.Errorf("ways: %s", ways)
		}
		if strings.Contains(ways, "Passkey") || strings.Contains(ways, "E-mail") {
			t.Errorf("a way is offered that isn't set up: %s", ways)
		}
		val.ClickText("Text message to •••• 06")
		code := s.Phone.Code(t, number)
		val.at("/login/text-message").ClickText("Confirm another way")
		val.ClickText("Authenticator app")
		val.at("/login/totp").ClickText("Confirm another way")
		val.ClickText("Text message to •••• 06")
		// Changing one's mind sends no second code.
		if n := len(val.sentTexts(number)); n != 1 {
			t.Errorf("%d codes were sent", n)
		}
		val.at("/login/text-message").enter(code).says("#name", "Val")

		s.Clock.Advance(time.Minute)
		next := val.again().at("/login/text-message") // used last
		next.ClickText("Confirm another way")
		next.ClickText("Authenticator app")
		next.enter(next.nextCode()).says("#name", "Val")

		val.again().at("/login/totp")
	})
}

// sentTexts are the text messages a number got.
func (v *visitor) sentTexts(number string) (bodies []string) {
	for _, text := range v.s.Phone.All() {
		if text.To == number {
			bodies = append(bodies, text.Body)
		}
	}
	return bodies
}
