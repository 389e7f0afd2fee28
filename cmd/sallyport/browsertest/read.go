package browsertest

import (
	"context"
	"fmt"
	"strings"
)

// URL is the address of the page. Where nothing answered and the browser shows
// a page of its own, it is the address that was asked for.
func (p *Page) URL() string {
	p.t.Helper()
	var url string
	p.until("read the address", &url, "address")
	if missed := p.nav.unreached(); missed != "" {
		return missed
	}
	return url
}

// Title is the title of the page.
func (p *Page) Title() string {
	p.t.Helper()
	var title string
	p.until("read the title", &title, "title")
	return title
}

// Text waits for an element and returns its visible text, with every run of
// white space as one space.
func (p *Page) Text(css string) string {
	p.t.Helper()
	var text string
	p.until("read the text of "+css, &text, "text", css)
	return text
}

// Value waits for a field and returns what it holds.
func (p *Page) Value(css string) string {
	p.t.Helper()
	var value string
	p.until("read the value of "+css, &value, "value", css)
	return value
}

// Attr waits for an element and returns one of its attributes, empty when it
// hasn't got that. Has("a[download]") tells the difference.
func (p *Page) Attr(css, name string) string {
	p.t.Helper()
	var value string
	p.until(fmt.Sprintf("read %s of %s", name, css), &value, "attr", css, name)
	return value
}

// Has reports whether the page has a matching element, visible or not. It waits
// for the page but not for the element.
func (p *Page) Has(css string) bool {
	p.t.Helper()
	var has bool
	p.until("look for "+css, &has, "has", css)
	return has
}

// WaitText waits until the page shows text. White space of any length is alike.
func (p *Page) WaitText(text string) {
	p.t.Helper()
	p.until(fmt.Sprintf("wait for the text “%s”", text), new(bool), "shows", text)
}

// WaitURL waits until the page has settled at an address with this prefix.
func (p *Page) WaitURL(prefix string) {
	p.t.Helper()
	p.poll("wait for the address "+prefix, func(ctx context.Context) error {
		err := p.look(ctx, new(bool), "under", prefix)
		if err != nil && err != errLoading && strings.HasPrefix(p.nav.unreached(), prefix) {
			return nil
		}
		return err
	})
}

// WaitGone waits until no matching element is visible.
func (p *Page) WaitGone(css string) {
	p.t.Helper()
	p.until("wait until it has gone: "+css, new(bool), "gone", css)
}
