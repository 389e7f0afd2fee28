package browserstory

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Every page fits a small phone and says nothing on the console, and there is
// a picture of it: light, dark, and 320 px wide.
func TestEveryPage(t *testing.T) {
	complaints := listen(t)
	s := newStage(t, "sqlite")
	walk(t, s, func(name string, v *visitor) {
		t.Helper()
		v.Width(320)
		if wide := v.tooWide(); len(wide) > 0 {
			t.Errorf("%s is wider than 320 px: %q", name, wide)
		}
		v.Screenshot(name + "-320")
		v.Width(1280)
		v.Screenshot(name)
		v.prefers("dark")
		v.Screenshot(name + "-dark")
		v.prefers("light")
	})
	complaints.none(t)
}

// prefers sets the colors a person prefers, light or dark. They are there at
// once: the person wants no motion, either.
func (v *visitor) prefers(scheme string) {
	v.t.Helper()
	_, err := chromedp.Call(v.Context(), emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	})
	if err != nil {
		v.t.Fatal(err)
	}
}

// tooWide names what stands out of the window sideways. The document's own
// width wouldn't tell: what stands out is cut off. What scrolls by itself, such
// as a block of code, may be wider inside.
func (v *visitor) tooWide() []string {
	v.t.Helper()
	v.Title() // waits until the page has loaded
	wide, err := chromedp.Run(v.Context(), chromedp.Evaluate[[]string](`(() => {
		const scrolls = (el) => { for (let e = el.parentElement; e && e !== document.body; e = e.parentElement) if (getComputedStyle(e).overflowX !== 'visible') return true; return false; };
		const all = [...document.body.querySelectorAll('*')].filter((el) => el.checkVisibility() && !scrolls(el));
		const out = all.filter((el) => { const r = el.getBoundingClientRect(); return r.width > 0 && (r.right > innerWidth + .5 || r.left < -.5); });
		const cut = all.filter((el) => getComputedStyle(el).overflowX === 'visible' && getComputedStyle(el).display !== 'inline' && !(el instanceof SVGElement) && el.clientWidth > 1 && el.scrollWidth > el.clientWidth + 1);
		return [...new Set([...out, ...cut])].map((el) => el.outerHTML.slice(0, 120)).concat(document.documentElement.scrollWidth > innerWidth ? ['the document scrolls'] : []);
	})()`))
	if err != nil {
		v.t.Fatal(err)
	}
	return wide
}
