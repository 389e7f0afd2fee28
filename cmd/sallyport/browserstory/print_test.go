package browserstory

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// On paper, backup codes are there though the screen hides them, with what they
// are for; buttons are not.
func TestPrint(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		t.Run("with scripts", func(t *testing.T) { onPaper(t, s.visitor(t, s.join("Ira"))) })
		t.Run("without scripts", func(t *testing.T) { onPaper(t, s.visitor(t, s.join("Isa")).withoutScripts()) })
	})
}

func onPaper(t *testing.T, ira *visitor) {
	ira.toMachineSignedOut().password()
	ira.Click("#start-reception-pc")
	ira.at("/login/why").press()
	ira.at("/login/set-up").picks("totp")
	ira.at("/login/set-up/scan").readKey().press()
	ira.enter(ira.code()).at("/login/backup-codes")
	if _, err := chromedp.Call(ira.Context(), emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}); err != nil {
		t.Fatal(err)
	}
	if !ira.scripts {
		ira.canRun(true) // for the test to look, not for the page: that has loaded
	}
	ira.Screenshot("print-" + strings.ReplaceAll(t.Name(), "/", "-"))
	shown := evaluate[string](ira, `[...document.querySelectorAll('body *')].filter((el) =>
		el.children.length === 0 && el.checkVisibility() && el.getBoundingClientRect().height > 0).map((el) => el.textContent.trim()).join('\n')`)
	for _, words := range []string{"Backup codes for localhost", "For signing in to", "Take Control", "Account", ira.email, "Made", ira.s.Clock.Now().Format("2 January 2006")} {
		if !strings.Contains(shown, words) {
			t.Errorf("%q isn't on paper: %s", words, shown)
		}
	}
	for _, words := range []string{"Copy", "Download", "Print", "Done", "Cancel", "I have saved", "Show codes"} {
		if strings.Contains(shown, words) {
			t.Errorf("%q is on paper: %s", words, shown)
		}
	}
	if n := strings.Count(shown, "-"); n < 30 {
		t.Errorf("no ten codes are on paper: %s", shown)
	}
}
