package browserstory

import (
	"testing"

	"github.com/chromedp/cdproto/input"
)

var down = input.DispatchKeyEventParams{Key: "ArrowDown", Code: "ArrowDown", WindowsVirtualKeyCode: 40}

// Adding somebody takes no mouse, and shows where one is.
func TestKeyboardInTheConsole(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		olga := s.visitor(t, "olga@acme.example").givenApp().onConsole()
		olga.tabTo(".skip").hits(enter).hits(tab)
		olga.tabTo(`main [href$="/people/new"]`).hits(enter)
		olga.in("people", "new").tabTo("#email").types("kit@acme.example")
		olga.tabTo("#name").types("Kit Keys")
		olga.tabTo("#kind").hits(down)
		olga.tabTo("#two_step").hits(space)
		olga.tabTo("#invite").hits(space)
		olga.tabTo("main .primary").hits(enter)
		olga.WaitText("The person was created.")
		olga.says("h1", "Kit Keys").reads("Client", "Required of this person by an administrator.")
		if kit := s.user(t, "kit@acme.example"); kit.Kind != "client" || !kit.TwoStepRequired {
			t.Errorf("made %+v", kit)
		}
		if mails := s.MailsTo(t, "kit@acme.example"); len(mails) != 0 {
			t.Errorf("they were invited all the same: %v", mails)
		}
	})
}

// Finding people, and doing something to several of them, takes no scripts.
func TestConsoleWithoutScripts(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		s.crowd(t)
		olga := s.visitor(t, "olga@acme.example").withoutScripts().givenApp().onConsole()
		olga.reads("40 people").Click(`.filter a[href*="kind=client"]`)
		olga.reads("10 people match").Fill("#q", "person1")
		olga.Submit(".search")
		olga.reads("3 people match", "Person 17", "Person 18", "Person 19")
		for _, i := range []int{17, 19} {
			olga.Check(`[name="person"][value="` + s.crowded(t, i).ID + `"]`)
		}
		olga.ClickText("Require 2FA")
		olga.in("people", "bulk").says("h1", "Require two-step verification?").reads("Person 17", "Person 19").ClickText("Back")
		olga.in("people").reads("3 people match")
		for _, i := range []int{17, 19} {
			olga.Check(`[name="person"][value="` + s.crowded(t, i).ID + `"]`)
		}
		olga.ClickText("Require 2FA")
		olga.press().in("people").Text(".notice")
		for i, want := range map[int]bool{17: true, 18: false, 19: true} {
			if got := s.crowded(t, i).TwoStepRequired; got != want {
				t.Errorf("two steps are required of person %d: %t", i, got)
			}
		}
		olga.counts("two_factor", "pending", 2)

		olga.ClickText("Resend confirmations to all 10 unconfirmed")
		olga.in("people", "bulk").says("h1", "Resend confirmations?").press().in("people").Text(".notice")
		waitForMail(t, s, crowdEmail(3), "Confirm your e-mail address")
	})
}
