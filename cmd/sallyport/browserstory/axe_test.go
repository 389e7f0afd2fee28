//go:build interop

package browserstory

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axeVariable is the environment variable with the path of axe.min.js, of the
// npm package axe-core 4.14.1.
const axeVariable = "SALLYPORT_AXE"

// axeRun checks the page against WCAG 2.0 to 2.2, levels A and AA.
const axeRun = `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations']}).then(
	(found) => ({checked: found.passes.length, wrong: found.violations.flatMap((v) => v.nodes.map((n) => v.id + ': ' + v.help + ': ' + n.html + ' ' + n.any.map((c) => c.message).join(' ')))}))`

// axeFound is what axe has to say of a page.
type axeFound struct {
	Checked int      `json:"checked"` // rules that the page passed
	Wrong   []string `json:"wrong"`   // a line per element that breaks one
}

// Nobody is shut out: every page, light, dark and on a small phone.
func TestAccessibility(t *testing.T) {
	path := os.Getenv(axeVariable)
	if path == "" {
		t.Fatalf("set %s to the file axe.min.js of axe-core: npm pack axe-core@4.14.1 && tar xzf axe-core-4.14.1.tgz package/axe.min.js", axeVariable)
	}
	script, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	axe := string(script)
	walk(t, newStage(t, "sqlite"), func(name string, v *visitor) {
		t.Helper()
		v.Width(1280)
		v.prefers("light")
		v.accessible(axe, name)
		v.prefers("dark")
		v.accessible(axe, name+", dark")
		v.prefers("light")
		v.Width(320)
		v.accessible(axe, name+", 320 px")
		v.Width(1280)
	})
}

// accessible fails the test where axe finds fault with the page.
func (v *visitor) accessible(axe, name string) {
	v.t.Helper()
	v.Title() // waits until the page has loaded
	ctx, cancel := context.WithTimeout(v.Context(), time.Minute)
	defer cancel()
	if !v.scripts { // the page has loaded without, but axe needs them
		v.canRun(true)
		defer v.canRun(false)
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[axeFound](axe+"\n;"+axeRun, func(p *runtime.EvaluateParams) {
		wait := true
		p.AwaitPromise = &wait
	}))
	switch {
	case err != nil:
		v.t.Fatalf("%s: axe: %v", name, err)
	case found.Checked == 0:
		v.t.Errorf("%s: axe checked nothing", name)
	case len(found.Wrong) > 0:
		v.t.Errorf("%s: %s", name, strings.Join(found.Wrong, "\n\t"))
	}
}
