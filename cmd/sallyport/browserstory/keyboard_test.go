package browserstory

import (
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// Signing in and setting up an app takes no mouse, and shows where one is.
func TestKeyboard(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		kai := s.visitor(t, s.join("Kai"))
		kai.toMachineSignedOut().at("/login/password")
		kai.tabTo("#username").types(kai.email)
		kai.tabTo("#password").types("open the second door")
		kai.tabTo(".reveal").hits(space)
		if kai.Attr("#password", "type") != "text" {
			t.Error("the password isn't shown")
		}
		kai.tabTo("main .primary").hits(enter)
		kai.WaitURL(s.Remote)
		kai.tabTo("#start-reception-pc").hits(enter)

		kai.at("/login/why").tabTo("main .primary").hits(enter)
		kai.at("/login/set-up").tabTo(`[value="totp"]`).hits(space)
		kai.at("/login/set-up/scan").readKey().tabTo("main a.primary").hits(enter)
		kai.at("/login/set-up/code").tabTo("#code").types(kai.wrongCode()).hits(enter)
		kai.says("#code-problem", "4 tries left").tabTo("#code").selects().types(kai.code()).hits(enter)
		kai.at("/login/backup-codes").tabTo("summary").hits(enter)
		kai.Text("details[open] #codes")
		kai.tabTo("#saved").hits(space)
		kai.tabTo("main .primary").hits(enter)
		kai.at("/login/password").tabTo("#password").types("open the second door").hits(enter)
		kai.at("/login/totp").tabTo("#code").types(kai.nextCode()).hits(enter)
		kai.WaitURL(s.Remote + "/sessions/")
	})
}

// Keys, as the browser knows them.
var (
	tab   = input.DispatchKeyEventParams{Key: "Tab", Code: "Tab", WindowsVirtualKeyCode: 9}
	enter = input.DispatchKeyEventParams{Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13, Text: "\r"}
	space = input.DispatchKeyEventParams{Key: " ", Code: "Space", WindowsVirtualKeyCode: 32, Text: " "}
)

// hits presses a key.
func (v *visitor) hits(key input.DispatchKeyEventParams) *visitor {
	v.t.Helper()
	down, up := key, key
	down.Type, up.Type, up.Text = input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp, ""
	if down.Text == "" {
		down.Type = input.DispatchKeyEventTypeRawKeyDown
	}
	for _, event := range []input.DispatchKeyEventParams{down, up} {
		if _, err := chromedp.Call(v.Context(), input.DispatchKeyEvent, event); err != nil {
			v.t.Fatal(err)
		}
	}
	return v
}

// types enters words where the focus is.
func (v *visitor) types(words string) *visitor {
	v.t.Helper()
	if _, err := chromedp.Call(v.Context(), input.InsertText, input.InsertTextParams{Text: words}); err != nil {
		v.t.Fatal(err)
	}
	return v
}

// selects selects all of the field with the focus, as tabbing into it does.
func (v *visitor) selects() *visitor {
	v.t.Helper()
	evaluate[bool](v, `(document.activeElement.select(), true)`)
	return v
}

// tabTo presses Tab until an element has the focus, and fails the test where
// the focus can't be seen on the way, or never gets there.
func (v *visitor) tabTo(css string) *visitor {
	v.t.Helper()
	type place struct {
		There, Shown bool
		Where        string
	}
	look := `(() => {
		const el = document.activeElement, style = getComputedStyle(el);
		const outline = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 && style.outlineColor !== 'rgba(0, 0, 0, 0)';
		return {There: el.matches(` + "`" + css + "`" + `), Shown: el === document.body || outline || style.boxShadow !== 'none', Where: el.outerHTML.slice(0, 200)};
	})()`
	for range 60 {
		switch at := evaluate[place](v, look); {
		case !at.Shown:
			v.t.Fatalf("the focus can't be seen on %s", at.Where)
		case at.There:
			return v
		}
		v.hits(tab)
	}
	v.t.Fatalf("60 times Tab don't lead to %s at %s", css, v.URL())
	return v
}
