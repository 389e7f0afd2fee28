package browsertest

import (
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
)

// navigation follows where a tab is going.
//
// The order of the browser's messages is what makes it reliable: a renderer
// says that it wants to navigate before it answers a script evaluated after the
// click. So a script that finds the document loaded, with no navigation pending
// when its answer arrives, has looked at the document the person would see.
type navigation struct {
	mu          sync.Mutex
	frame       cdp.FrameID // the main frame; what embedded ones do doesn't count
	pending     bool        // a navigation was wanted and has no document yet
	loading     bool        // the pending one has begun to load
	documents   int         // navigations that ended in a document or in a place within one
	committed   map[cdp.LoaderID]bool
	unreachable string // where the browser's own error page stands in for
}

// observe takes note of an event. Events of other kinds are ignored.
func (n *navigation) observe(event any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch e := event.(type) {
	case *page.EventFrameRequestedNavigation:
		if e.FrameID == n.frame && e.Disposition == page.ClientNavigationDispositionCurrentTab {
			n.pending, n.loading = true, false
		}
	case *page.EventFrameStartedNavigating:
		if e.FrameID == n.frame && !withinDocument(e.NavigationType) && !n.committed[e.LoaderID] {
			n.pending = true
		}
	case *page.EventFrameStartedLoading:
		if e.FrameID == n.frame {
			n.loading = n.pending
		}
	case *page.EventFrameNavigated:
		if e.Frame.ParentID == "" {
			n.frame = e.Frame.ID
			n.pending, n.loading = false, false
			n.documents++
			n.unreachable = e.Frame.UnreachableURL
			if n.committed == nil {
				n.committed = make(map[cdp.LoaderID]bool)
			}
			n.committed[e.Frame.LoaderID] = true
		}
	case *page.EventNavigatedWithinDocument:
		if e.FrameID == n.frame {
			n.documents++
		}
	case *page.EventFrameStoppedLoading:
		// A navigation that stops without a document was a download or had
		// nothing to show. The stop of the load before it, which a form that
		// submits itself at load overtakes, is told by loading.
		if e.FrameID == n.frame && n.loading {
			n.pending, n.loading = false, false
		}
	}
}

func withinDocument(t page.FrameStartedNavigatingNavigationType) bool {
	return t == page.FrameStartedNavigatingNavigationTypeSameDocument ||
		t == page.FrameStartedNavigatingNavigationTypeHistorySameDocument
}

// expect says that a navigation with this loader has begun.
func (n *navigation) expect(loader cdp.LoaderID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if loader != "" && !n.committed[loader] {
		n.pending = true
	}
}

// underway reports whether the present document is about to be replaced.
func (n *navigation) underway() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.pending
}

// commits counts the navigations so far.
func (n *navigation) commits() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.documents
}

// unreached is the address that could not be loaded, or empty.
func (n *navigation) unreached() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.unreachable
}
