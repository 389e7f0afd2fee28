package browsertest

import (
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// console collects what the pages of a tab complain of.
type console struct {
	mu    sync.Mutex
	lines []string
}

func (c *console) add(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, line)
}

// observe takes note of an error. Events of other kinds are ignored.
func (c *console) observe(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		c.add("exception: " + (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			var words []string
			for _, arg := range e.Args {
				if words = append(words, strings.Trim(string(arg.Value), `"`)); arg.Description != "" {
					words[len(words)-1] = arg.Description
				}
			}
			c.add("console.error: " + strings.Join(words, " "))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			c.add(strings.TrimSpace(string(e.Entry.Source) + ": " + e.Entry.Text + " " + e.Entry.URL))
		}
	}
}

// Complaints returns the errors the tab's pages have had so far: uncaught
// exceptions, console errors, refusals of the Content-Security-Policy, requests
// that failed, and dialogs, which are always accepted.
func (p *Page) Complaints() []string {
	p.t.Helper()
	p.settle("read the console")
	p.console.mu.Lock()
	defer p.console.mu.Unlock()
	return slices.Clone(p.console.lines)
}
