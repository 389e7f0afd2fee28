package browsertest

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a page may take to show what a test waits for.
const patience = 20 * time.Second

// interval is the pause between two looks at a page.
const interval = 20 * time.Millisecond

// library is the JavaScript that looks at pages. The browser evaluates it in
// spite of a page's Content-Security-Policy, and with scripts turned off.
//
//go:embed look.js
var library string

// errLoading is the answer of a page that hasn't settled.
var errLoading = errors.New("the page is still loading")

// until calls a function of look.js until it returns a value, on a page that
// has settled, and stores that in into. The purpose begins the failure message,
// the function's last objection ends it.
func (p *Page) until(purpose string, into any, function string, args ...any) {
	p.t.Helper()
	p.poll(purpose, func(ctx context.Context) error {
		return p.look(ctx, into, function, args...)
	})
}

// settle waits until no navigation is under way and the page has loaded.
func (p *Page) settle(purpose string) {
	p.t.Helper()
	p.until(purpose, new(bool), "settled")
}

// committed waits until a navigation has ended since there were before of them,
// then settles.
func (p *Page) committed(purpose string, before int) {
	p.t.Helper()
	p.poll(purpose, func(ctx context.Context) error {
		if p.nav.commits() == before {
			return errLoading
		}
		return p.look(ctx, new(bool), "settled")
	})
}

// poll tries attempt until it succeeds. An error that a script threw is final:
// the test has a wrong selector.
func (p *Page) poll(purpose string, attempt func(context.Context) error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, p.patience)
	defer cancel()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	last := errLoading
	for {
		err := attempt(ctx)
		if err == nil {
			return
		}
		if ctx.Err() == nil {
			last = err
		}
		if _, wrong := errors.AsType[*chromedp.ExceptionError](err); wrong {
			p.fail("%s: %v", purpose, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.fail("%s: %v", purpose, last)
		}
	}
}

// look calls a function of look.js once. It returns an error unless the page
// has settled and the function returned a value.
func (p *Page) look(ctx context.Context, into any, function string, args ...any) error {
	got, err := p.call(ctx, function, args...)
	switch {
	case err != nil:
		return err
	case p.nav.underway():
		return errLoading
	case got.Why != "":
		return errors.New(got.Why)
	}
	return json.Unmarshal(got.Value, into)
}

// answer is what a function of look.js returns.
type answer struct {
	Loading bool
	Why     string
	Value   json.RawMessage
}

// call calls a function of look.js on a document that has loaded.
func (p *Page) call(ctx context.Context, function string, args ...any) (answer, error) {
	var script strings.Builder
	script.WriteString("(() => {\n" + library + "\nif (document.readyState !== 'complete') return {loading: true};\nreturn " + function + "(")
	for _, arg := range args {
		text, err := json.Marshal(arg)
		if err != nil {
			return answer{}, err
		}
		script.Write(text)
		script.WriteByte(',')
	}
	script.WriteString(");\n})()")
	got, err := chromedp.Run(ctx, chromedp.Evaluate[answer](script.String(), asPerson))
	if err == nil && got.Loading {
		err = errLoading
	}
	return got, err
}

// barrier returns when the page has dealt with the input it was sent, so that a
// navigation it leads to is known.
func (p *Page) barrier() {
	p.t.Helper()
	for range 2 {
		ctx, cancel := context.WithTimeout(p.ctx, p.patience)
		// The error of a document that goes away meanwhile is good news.
		chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: "0"})
		cancel()
	}
}

// asPerson lets a script do what needs a person's gesture.
func asPerson(params *runtime.EvaluateParams) {
	yes := true
	params.UserGesture = &yes
}

// send is do for input, which may fail because the page is already leaving.
func send[P, R any](ctx context.Context, p *Page, command cdp.Command[P, R], params P) error {
	_, err := chromedp.Call(ctx, command, params)
	if err != nil && p.nav.underway() {
		return nil
	}
	return err
}
