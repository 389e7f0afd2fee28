package browsertest

import (
	"context"
	"errors"
	"fmt"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// point is a place in the window, in CSS pixels, or a box found checked.
type point struct {
	X, Y    float64
	Checked bool
}

// errMoving is the answer of an element that isn't where it was.
var errMoving = errors.New("it is still moving")

// Click presses the first visible element that matches, where a person could:
// it must be enabled, stand still and not be covered.
func (p *Page) Click(css string) {
	p.t.Helper()
	p.press("click "+css, "aim", css)
}

// ClickText presses the link or button that says text, or that alone has text
// within what it says.
func (p *Page) ClickText(text string) {
	p.t.Helper()
	p.press(fmt.Sprintf("click “%s”", text), "aimNamed", text)
}

// Check ticks a checkbox or picks a radio button, unless it is ticked.
func (p *Page) Check(css string) {
	p.t.Helper()
	before := p.nav.commits()
	if p.press("check "+css, "aimCheck", css) && p.nav.commits() == before {
		p.until("check "+css, new(bool), "checked", css)
	}
}

// Fill types value into a field in place of what it holds. In a list it chooses
// the option with that value or text.
func (p *Page) Fill(css, value string) {
	p.t.Helper()
	p.poll("fill in "+css, func(ctx context.Context) error {
		var how string
		if err := p.look(ctx, &how, "focusToFill", css, value); err != nil {
			return err
		}
		if how == "set" {
			return nil
		}
		if err := p.typeOver(ctx, value); err != nil {
			return err
		}
		return p.look(ctx, new(bool), "filled", css, value)
	})
	p.barrier()
}

// Submit submits the form with its first button, the way Enter does.
func (p *Page) Submit(css string) {
	p.t.Helper()
	purpose := "submit " + css
	p.until(purpose, new(bool), "submittable", css)
	ctx, cancel := context.WithTimeout(p.ctx, p.patience)
	defer cancel()
	// Once and not polled: a form mustn't go out twice.
	if got, err := p.call(ctx, "submitForm", css); err != nil || got.Why != "" {
		p.fail("%s: %v%s", purpose, err, got.Why)
	}
	p.barrier()
	p.settle(purpose)
}

// press clicks where a function of look.js aims, twice at the same place. It
// returns false when that found nothing to click.
func (p *Page) press(purpose, function, target string) bool {
	p.t.Helper()
	var at point
	steady := false
	p.poll(purpose, func(ctx context.Context) error {
		before, again := at, steady
		if err := p.look(ctx, &at, function, target); err != nil {
			steady = false
			return err
		}
		steady = true
		if !at.Checked && (!again || at != before) {
			return errMoving
		}
		return nil
	})
	if at.Checked {
		return false
	}
	ctx, cancel := context.WithTimeout(p.ctx, p.patience)
	defer cancel()
	for _, params := range []input.DispatchMouseEventParams{
		{Type: chromedp.MouseMoved},
		{Type: chromedp.MousePressed, Button: input.MouseButtonLeft, Buttons: 1, ClickCount: 1},
		{Type: chromedp.MouseReleased, Button: input.MouseButtonLeft, ClickCount: 1},
	} {
		params.X, params.Y = at.X, at.Y
		if err := send(ctx, p, input.DispatchMouseEvent, params); err != nil {
			p.fail("%s: %v", purpose, err)
		}
	}
	p.barrier()
	p.settle(purpose)
	return true
}

// typeOver replaces what is selected.
func (p *Page) typeOver(ctx context.Context, value string) error {
	if value != "" {
		return send(ctx, p, input.InsertText, input.InsertTextParams{Text: value})
	}
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
		err := send(ctx, p, input.DispatchKeyEvent, input.DispatchKeyEventParams{
			Type: kind, Key: "Delete", Code: "Delete", WindowsVirtualKeyCode: 46,
		})
		if err != nil {
			return err
		}
	}
	return nil
}
