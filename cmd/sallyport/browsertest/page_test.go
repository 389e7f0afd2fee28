package browsertest

import (
	"errors"
	"fmt"
	"image/png"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
)

func want(t *testing.T, what, got, expected string) {
	t.Helper()
	if got != expected {
		t.Errorf("%s is %q, want %q", what, got, expected)
	}
}

func TestPage(t *testing.T) {
	s := newSite(t)
	b := New(t)
	on := func(path string, test func(t *testing.T, p *Page)) {
		t.Helper()
		t.Run(strings.TrimPrefix(path, "/"), func(t *testing.T) {
			p := b.Incognito(t)
			p.Go(s.provider + path)
			test(t, p)
		})
	}

	for _, scripts := range []bool{true, false} {
		t.Run(fmt.Sprintf("form with scripts %t", scripts), func(t *testing.T) {
			p := b.Incognito(t)
			if !scripts {
				p.NoJavaScript()
			}
			p.Go(s.provider + "/signin")
			want(t, "on", fmt.Sprint(strings.Contains(p.Text("body"), "Scripts are on")), fmt.Sprint(scripts))
			want(t, "off", fmt.Sprint(strings.Contains(p.Text("body"), "Scripts are off")), fmt.Sprint(!scripts))
			p.Fill("#email", "ana@example.com")
			p.Fill("#code", "999")
			p.Fill("#code", "")
			want(t, "emptied code", p.Value("#code"), "")
			p.Fill("#code", "123456")
			p.Fill("#language", "Deutsch")
			p.Fill("#day", "2026-02-03")
			p.Check("#remember")
			p.Check("#remember") // ticks, never toggles
			p.ClickText("Sign in")
			want(t, "title", p.Title(), "Home")
			want(t, "heading", p.Text("h1"), "Hello ana@example.com")
			want(t, "form", p.Text("#got"), "code=123456&day=2026-02-03&email=ana%40example.com&language=de&remember=yes")
			p.WaitURL(s.product + "/home?")
			p.Back()
			want(t, "URL after Back", p.URL(), s.provider+"/signin")
			p.Submit("#signin")
			want(t, "title", p.Title(), "Home")
		})
	}

	on("/formpost", func(t *testing.T, p *Page) { want(t, "heading", p.Text("h1"), "Hello auto@example.com") })
	on("/scripted", func(t *testing.T, p *Page) {
		p.WaitURL(s.provider + "/last")
		want(t, "heading", p.Text("h1"), "The last page")
	})
	on("/links", func(t *testing.T, p *Page) {
		for _, stay := range []string{"#file", "#nothing", "#place"} {
			p.Click(stay)
			want(t, "heading after "+stay, p.Text("h1"), "Links")
		}
		want(t, "URL", p.URL(), s.provider+"/links#place")
		p.Click("#ask")
		want(t, "heading", p.Text("h1"), "Confirmed")
		p.Reload()
		want(t, "heading", p.Text("h1"), "Links")
		want(t, "href", p.Attr("#below", "href"), "/last")
		want(t, "no attribute", p.Attr("#below", "download"), "")
		p.ClickText("Far below")
		want(t, "heading", p.Text("h1"), "The last page")
		if p.Has("#below") {
			t.Error("has what the page before had")
		}
		p.Back()
		p.ClickText("Last") // rather than the one that has it in part
		p.WaitGone("a")
	})
	on("/obstacles", func(t *testing.T, p *Page) {
		p.Click("#moving")
		want(t, "moving", p.Text("#moving"), "hit")
		p.Click("#late")
		want(t, "late", p.Text("#late"), "hit")
		want(t, "added", p.Text("#added"), "Added later")
		p.WaitText("Added   later")
	})
	on("/colors", func(t *testing.T, p *Page) {
		scheme := func() string {
			got, err := chromedp.Run(p.Context(), chromedp.Evaluate[string](`matchMedia('(prefers-color-scheme: dark)').matches + ' ' + innerWidth`))
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		want(t, "at first", scheme(), "false 1280")
		p.Dark()
		p.Width(320)
		want(t, "then", scheme(), "true 320")
		t.Setenv(PicturesVariable, t.TempDir())
		file, err := os.Open(p.Screenshot("colors"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		picture, err := png.DecodeConfig(file)
		if err != nil {
			t.Fatal(err)
		}
		if picture.Width != 320 || picture.Height < 2000 {
			t.Errorf("the picture is %d by %d, want the whole page", picture.Width, picture.Height)
		}
	})
	on("/strict", func(t *testing.T, p *Page) {
		want(t, "heading", p.Text("h1"), "Strict")
		want(t, "title", p.Title(), "Strict")
		if got := strings.Join(p.Complaints(), "\n"); !strings.Contains(got, "Content Security Policy") {
			t.Errorf("complaints: %s", got)
		}
	})
	on("/wrong", func(t *testing.T, p *Page) {
		got := strings.Join(p.Complaints(), "\n")
		for _, part := range []string{"console.error: console says 7", "script is broken"} {
			if !strings.Contains(got, part) {
				t.Errorf("no %q among the complaints: %s", part, got)
			}
		}
	})
	on("/last", func(t *testing.T, p *Page) {
		if got := p.Complaints(); len(got) > 0 {
			t.Errorf("complaints of a good page: %q", got)
		}
	})
}

func TestNobodyListens(t *testing.T) {
	s := newSite(t)
	p := New(t).NewPage(t)
	p.Go(s.provider + "/links")
	if _, err := chromedp.Run(p.Context(), chromedp.Evaluate[chromedp.Void](`location.href = '/dead'`)); err != nil {
		t.Fatal(err)
	}
	p.WaitURL("http://product.test:1/callback?code=")
	want(t, "URL", p.URL(), "http://product.test:1/callback?code=7")
}

func TestTabsShareCookiesAndPeopleDont(t *testing.T) {
	s := newSite(t)
	b := New(t)
	signIn := func(p *Page, email string) {
		p.Go(s.provider + "/signin")
		p.Fill("#email", email)
		p.Click("#go")
		p.WaitURL(s.product)
	}
	who := func(p *Page) string {
		p.Go(s.provider + "/account")
		return p.Text("h1")
	}
	ana, tab, olga := b.NewPage(t), b.NewPage(t), b.Incognito(t)
	second := olga.NewTab()
	signIn(ana, "ana@example.com")
	want(t, "the other tab", who(tab), "ana@example.com")
	want(t, "another person", who(olga), "nobody")
	signIn(second, "olga@example.com")
	want(t, "another person's first tab", who(olga), "olga@example.com")
	want(t, "the first person", who(ana), "ana@example.com")

	cookies := olga.Cookies()
	if len(cookies) != 1 || cookies[0].Value != "olga@example.com" || !cookies[0].HTTPOnly {
		t.Errorf("cookies of the other person: %+v", cookies)
	}
}

// TestNextDocument presses a button that posts and redirects many times over:
// a harness that now and then reads the page it leaves miscounts.
func TestNextDocument(t *testing.T) {
	s := newSite(t)
	b := New(t)
	for _, scripts := range []bool{true, false} {
		p := b.NewPage(t)
		if !scripts {
			p.NoJavaScript()
		}
		p.Go(s.provider + "/count")
		for n := range 20 {
			want(t, "count", p.Text("h1"), fmt.Sprint(n))
			if n%2 == 0 {
				p.ClickText("Next")
			} else {
				p.Submit("form")
			}
		}
	}
}

func TestBrowserLeavesNothingBehind(t *testing.T) {
	var b *Browser
	var process *os.Process
	t.Run("browser", func(t *testing.T) {
		b = New(t)
		b.NewPage(t).Go(newSite(t).provider + "/last")
		process = chromedp.FromContext(b.ctx).Browser.Process()
		if err := process.Signal(syscall.Signal(0)); err != nil {
			t.Fatal(err)
		}
	})
	if err := process.Signal(syscall.Signal(0)); err == nil {
		t.Error("the browser still runs")
	}
	if _, err := os.Stat(b.home); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", b.home, err)
	}
}
