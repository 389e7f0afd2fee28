// Package browsertest drives a real Chromium for tests of pages.
//
// A test says what a person does and what they should then see:
//
//	p := browsertest.New(t).NewPage(t)
//	p.Go(provider.URL + "/login")
//	p.Fill("#email", "ana@example.com")
//	p.ClickText("Sign in")
//	p.WaitText("Your account")
//
// Every method first waits until the page has settled: no navigation is under
// way and the load event has been dispatched. So what follows a click that
// navigates sees the new document, after all its redirects and after forms that
// submit themselves. What a page does later by itself, say after a fetch, is
// waited for with WaitText, WaitURL, WaitGone or a method that names an element.
//
// A method that doesn't get what it waits for within 20 seconds fails the test
// with the page's address, title, visible text and what the page complained of
// on the console, and saves a picture. Pictures go into the directory
// $SALLYPORT_SCREENSHOTS when set, else among the test's artifacts (go test
// -artifacts keeps those). Methods must be called from the test's goroutine.
//
// The browser reaches nothing but this machine: every host name is 127.0.0.1,
// so http://dashboard.example:8080 is a site of its own without any DNS.
package browsertest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// startup is how long the browser may take to start, or to close.
const startup = time.Minute

// Browser is one headless Chromium with a profile of its own.
type Browser struct {
	ctx  context.Context // of the tab it starts with, which nothing uses
	home string          // its profile and temporary files, removed at the end
}

// New starts a Chromium, closed when the test ends. It fails the test when
// there is none; the message says what to install.
func New(t testing.TB) *Browser {
	t.Helper()
	program, err := findChromium()
	if err != nil {
		t.Fatal(err)
	}
	// Not t.TempDir, whose long path is too much for Chromium's unix socket.
	home, err := os.MkdirTemp("", "chromium-")
	if err != nil {
		t.Fatal(err)
	}
	allocator, free := chromedp.NewExecAllocator(context.Background(), options(program, home)...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		closing, done := context.WithTimeout(ctx, startup)
		defer done()
		if err := chromedp.Cancel(closing); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("close Chromium: %v", err)
		}
		cancel()
		free()
		removeAll(t, home)
	})
	// The browser lives as long as the context it is started with, so that
	// can't be one with a deadline.
	late := time.AfterFunc(startup, cancel)
	defer late.Stop()
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	return &Browser{ctx: ctx, home: home}
}

// options are the command line: quiet, deterministic, and nothing that calls
// home. The sandbox is off because it doesn't work as root or in containers.
func options(program, home string) []chromedp.ExecAllocatorOption {
	return append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program),
		chromedp.UserDataDir(filepath.Join(home, "profile")),
		chromedp.Env("HOME="+home, "TMPDIR="+home),
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.WindowSize(1280, 900),
		chromedp.Flag("lang", "en-US"),
		chromedp.Flag("accept-lang", "en-US"),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-crash-reporter", true),
		chromedp.Flag("no-first-run", true),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("host-resolver-rules", "MAP * 127.0.0.1"),
	)
}

// findChromium looks in the place Debian has it, then on PATH.
func findChromium() (string, error) {
	for _, name := range []string{"/usr/bin/chromium", "chromium", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no Chromium: install one with `apt-get install chromium`, or put chromium or google-chrome on PATH")
}

// removeAll removes the browser's files. Its helper processes may write a
// last one after the main process has gone, so once isn't always enough.
func removeAll(t testing.TB, dir string) {
	t.Helper()
	deadline := time.Now().Add(startup)
	for {
		err := os.RemoveAll(dir)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Error(err)
			return
		}
	}
}
