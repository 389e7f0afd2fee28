package browsertest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// failing stands in for a test that is meant to fail.
type failing struct {
	testing.TB
	message string
}

func (f *failing) Helper() {}
func (f *failing) Fatalf(format string, args ...any) {
	f.message = fmt.Sprintf(format, args...)
	panic(f)
}

// mustFail has the page belong to a test double and returns what it fails with.
func mustFail(t *testing.T, p *Page, act func()) string {
	t.Helper()
	double := &failing{TB: t}
	p.t, p.patience = double, time.Second
	defer func() { p.t, p.patience = t, patience }()
	func() {
		defer func() {
			if r := recover(); r != nil && r != double {
				panic(r)
			}
		}()
		act()
	}()
	if double.message == "" {
		t.Fatal("did not fail")
	}
	return double.message
}

func TestFailuresShowThePage(t *testing.T) {
	pictures := t.TempDir()
	t.Setenv(PicturesVariable, pictures)
	s := newSite(t)
	p := New(t).NewPage(t)

	tests := []struct {
		name, path string
		act        func()
		want       []string
	}{
		{"missing", "/links", func() { p.Click("#absent") }, []string{"click #absent: nothing matches #absent", "/links", "title: links", "Get the file"}},
		{"text", "/last", func() { p.WaitText("Welcome") }, []string{"wait for the text “Welcome”", "The last page"}},
		{"address", "/last", func() { p.WaitURL("http://elsewhere.test") }, []string{"wait for the address", "the address is " + s.provider + "/last"}},
		{"still there", "/last", func() { p.WaitGone("h1") }, []string{"h1 “The last page” is still there"}},
		{"covered", "/obstacles", func() { p.Click("#under") }, []string{"button#under “Under” is covered by p#curtain “Curtain”"}},
		{"ambiguous", "/links", func() { p.ClickText("Remove") }, []string{"could be button “Remove” or button “Remove”"}},
		{"no such button", "/links", func() { p.ClickText("Buy") }, []string{"no link or button says “Buy”"}},
		{"too long", "/signin", func() { p.Fill("#code", "1234567") }, []string{"holds “123456” instead of “1234567”"}},
		{"invalid", "/signin", func() { p.Fill("#email", "ana"); p.Submit("#signin") }, []string{"the browser refuses input#email"}},
		{"wrong selector", "/last", func() { p.Has("h1[") }, []string{"not a valid selector"}},
		{"complaint", "/wrong", func() { p.Click("#absent") }, []string{"it said: ", "script is broken"}},
		{"first page", "/last", func() { p.NewTab().Back() }, []string{"go back: this is the first page"}},
		{"unreachable", "/last", func() { p.Go("http://product.test:1/") }, []string{"go to http://product.test:1/: net::ERR_"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p.Go(s.provider + tt.path)
			got := mustFail(t, p, tt.act)
			for _, part := range tt.want {
				if !strings.Contains(got, part) {
					t.Errorf("no %q in the failure:\n%s", part, got)
				}
			}
			saved, err := filepath.Glob(pictures + "/failed-*" + strings.ReplaceAll(tt.name, " ", "_") + ".png")
			if err != nil || len(saved) != 1 {
				t.Errorf("pictures %v, error %v", saved, err)
			}
			for _, picture := range saved {
				if err := os.Remove(picture); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
