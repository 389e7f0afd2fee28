package browsertest

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// Page is one tab. It belongs to the test that made it and closes when that
// test ends.
type Page struct {
	t       testing.TB
	ctx     context.Context
	nav     navigation
	console console

	patience time.Duration // for each thing waited for; tests of failures lower it
}

// NewPage opens a tab. All tabs of NewPage belong to one person: they share
// their cookies.
func (b *Browser) NewPage(t testing.TB) *Page {
	t.Helper()
	return open(t, b.ctx)
}

// Incognito opens a tab for another person, who has no cookies yet and shares
// them with nobody.
func (b *Browser) Incognito(t testing.TB) *Page {
	t.Helper()
	return open(t, b.ctx, chromedp.WithNewBrowserContext())
}

// NewTab opens another tab of the same person.
func (p *Page) NewTab() *Page {
	p.t.Helper()
	return open(p.t, p.ctx)
}

func open(t testing.TB, parent context.Context, opts ...chromedp.ContextOption) *Page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, opts...)
	t.Cleanup(cancel)
	p := &Page{t: t, ctx: ctx, patience: patience}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	p.nav.frame = cdp.FrameID(chromedp.FromContext(ctx).Target.TargetID)
	if err := chromedp.Listen(ctx, p.observe); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	// Passkeys and some events need a focused window, and only one can be.
	do(p, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	return p
}

// observe keeps track of what the tab does. It runs between the messages from
// the browser, in their order, and must not wait.
func (p *Page) observe(event any) {
	p.nav.observe(event)
	p.console.observe(event)
	if dialog, ok := event.(*page.EventJavascriptDialogOpening); ok {
		p.console.add("dialog, accepted: " + dialog.Message)
		go chromedp.Call(p.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
	}
}

// Context is the tab's context, for what chromedp can do and Page can't: the
// virtual authenticator, or a script to evaluate.
func (p *Page) Context() context.Context { return p.ctx }

// Go visits an absolute URL. It fails the test when no page can be had there;
// an error page of the server's is a page.
func (p *Page) Go(url string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, p.patience)
	defer cancel()
	res, err := chromedp.Call(ctx, page.Navigate, page.NavigateParams{URL: url})
	if err != nil {
		p.fail("go to %s: %v", url, err)
	}
	if res.ErrorText != "" {
		p.fail("go to %s: %s", url, res.ErrorText)
	}
	p.nav.expect(res.LoaderID)
	p.settle("go to " + url)
}

// Reload loads the page again, sending a form again if that is how it came.
func (p *Page) Reload() {
	p.t.Helper()
	before := p.nav.commits()
	do(p, page.Reload, page.ReloadParams{})
	p.committed("reload", before)
}

// Back presses the Back button.
func (p *Page) Back() {
	p.t.Helper()
	p.settle("go back")
	history := do(p, page.GetNavigationHistory, cdp.Empty{})
	if history.CurrentIndex < 1 {
		p.fail("go back: this is the first page")
	}
	before := p.nav.commits()
	do(p, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: history.Entries[history.CurrentIndex-1].ID})
	p.committed("go back", before)
}

// NoJavaScript turns scripts off, from the next page that loads.
func (p *Page) NoJavaScript() {
	p.t.Helper()
	do(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// Dark has the person prefer dark colors.
func (p *Page) Dark() {
	p.t.Helper()
	do(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
	})
}

// Width makes the window px CSS pixels wide.
func (p *Page) Width(px int) {
	p.t.Helper()
	do(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: int64(px), Height: 900, DeviceScaleFactor: 1,
	})
}

// Cookies returns all cookies of this person, of every site, those hidden from
// scripts too.
func (p *Page) Cookies() []*network.Cookie {
	p.t.Helper()
	p.settle("read the cookies")
	ctx, cancel := context.WithTimeout(p.ctx, p.patience)
	defer cancel()
	res, err := chromedp.CallBrowser(ctx, storage.GetCookies, storage.GetCookiesParams{
		BrowserContextID: chromedp.FromContext(p.ctx).BrowserContextID,
	})
	if err != nil {
		p.fail("read the cookies: %v", err)
	}
	return res.Cookies
}

// do sends one command to the tab.
func do[P, R any](p *Page, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, p.patience)
	defer cancel()
	res, err := chromedp.Call(ctx, command, params)
	if err != nil {
		p.fail("%s: %v", command.Method, err)
	}
	return res
}
