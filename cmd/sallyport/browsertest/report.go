package browsertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// PicturesVariable is the environment variable with the directory for pictures.
const PicturesVariable = "SALLYPORT_SCREENSHOTS"

// Screenshot saves a picture of the whole page as name.png and returns its
// path.
func (p *Page) Screenshot(name string) string {
	p.t.Helper()
	p.settle("take the picture " + name)
	ctx, cancel := context.WithTimeout(p.ctx, p.patience)
	defer cancel()
	path, err := p.picture(ctx, name)
	if err != nil {
		p.fail("take the picture %s: %v", name, err)
	}
	return path
}

func (p *Page) picture(ctx context.Context, name string) (string, error) {
	layout, err := chromedp.Call(ctx, page.GetLayoutMetrics, cdp.Empty{})
	if err != nil {
		return "", err
	}
	beyond := true
	shot, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Format:                page.CaptureScreenshotFormatPng,
		CaptureBeyondViewport: &beyond,
		Clip: &page.Viewport{
			Width: layout.CSSContentSize.Width, Height: layout.CSSContentSize.Height, Scale: 1,
		},
	})
	if err != nil {
		return "", err
	}
	dir := os.Getenv(PicturesVariable)
	if dir == "" {
		dir = p.t.ArtifactDir()
	}
	path := filepath.Join(dir, name+".png")
	return path, errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(path, shot.Data, 0o644))
}

// fail ends the test with what the page shows now.
func (p *Page) fail(format string, args ...any) {
	p.t.Helper()
	p.t.Fatalf("%s\n%s", fmt.Sprintf(format, args...), p.report())
}

// report describes the page for a person who can't see it. It doesn't wait for
// the page to settle, which may be what failed.
func (p *Page) report() string {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	var out strings.Builder
	seen, err := chromedp.Run(ctx, chromedp.Evaluate[struct{ URL, Title, State, Text string }](
		`({URL: location.href, Title: document.title, State: document.readyState, Text: (document.body ?? document.documentElement)?.innerText ?? ''})`))
	if err != nil {
		fmt.Fprintf(&out, "  the page doesn't answer: %v\n", err)
	} else {
		fmt.Fprintf(&out, "  page:  %s (%s)\n  title: %s\n  text:  %s\n", seen.URL, seen.State, seen.Title, excerpt(seen.Text))
	}
	if missed := p.nav.unreached(); missed != "" {
		fmt.Fprintf(&out, "  could not be loaded: %s\n", missed)
	}
	if p.nav.underway() {
		fmt.Fprintf(&out, "  a navigation is under way\n")
	}
	p.console.mu.Lock()
	for _, line := range p.console.lines {
		fmt.Fprintf(&out, "  it said: %s\n", line)
	}
	p.console.mu.Unlock()
	name := "failed-" + strings.ReplaceAll(p.t.Name(), "/", "-")
	if path, err := p.picture(ctx, name); err != nil {
		fmt.Fprintf(&out, "  no picture: %v\n", err)
	} else {
		fmt.Fprintf(&out, "  picture: %s (set %s to keep it)\n", path, PicturesVariable)
	}
	return out.String()
}

// excerpt keeps the lines of a text that say something, indented, and not more
// than fit a screen.
func excerpt(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	lines = slices.DeleteFunc(lines, func(line string) bool { return line == "" })
	if len(lines) > 60 {
		lines = append(lines[:60], "…")
	}
	return strings.Join(lines, "\n         ")
}
