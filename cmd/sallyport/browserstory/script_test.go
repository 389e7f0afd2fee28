package browserstory

import (
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// onEveryPage has a script run before those of every page to come.
func (v *visitor) onEveryPage(script string) {
	v.t.Helper()
	_, err := chromedp.Call(v.Context(), page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
	if err != nil {
		v.t.Fatal(err)
	}
}

// later has the browser's own clock go a day ahead, from the next page
// on, where the test has moved the provider's.
func (v *visitor) later() *visitor {
	v.t.Helper()
	v.onEveryPage(`{ const real = Date.now; Date.now = () => real() + 24 * 60 * 60 * 1000; }`)
	return v
}

// evaluate runs a script in the page a person is on.
func evaluate[T any](v *visitor, script string) T {
	v.t.Helper()
	v.Title() // waits until the page has loaded
	got, err := chromedp.Run(v.Context(), chromedp.Evaluate[T](script))
	if err != nil {
		v.t.Fatal(err)
	}
	return got
}

// canRun turns scripts on or off for the page that is there.
func (v *visitor) canRun(scripts bool) {
	v.t.Helper()
	_, err := chromedp.Call(v.Context(), emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
	if err != nil {
		v.t.Fatal(err)
	}
}
