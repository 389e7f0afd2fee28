package server

import (
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/page"
)

// Forms a network may send: enough for an office behind one address, too few
// to guess with many accounts at once. Limits per person are elsewhere, in the
// database, and hold whatever happens here.
const (
	formsPerSecond = 5
	formsAtOnce    = 100
	// forget networks that were quiet for long enough to have all tries back.
	forgetAfter = time.Minute
)

// limiter slows down forms per network, in this process.
type limiter struct {
	exempt []netip.Prefix
	pages  *page.Renderer

	mu       sync.Mutex
	networks map[string]*seen
	swept    time.Time
}

type seen struct {
	bucket *rate.Limiter
	last   time.Time
}

func newLimiter(exempt []netip.Prefix, pages *page.Renderer) *limiter {
	return &limiter{exempt: exempt, pages: pages, networks: make(map[string]*seen)}
}

func (l *limiter) slowDown(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		addr := session.OriginOf(r.Context()).Addr
		if r.Method != http.MethodPost || l.allow(addr, time.Now()) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Retry-After", "10")
		f := page.Frame{Lang: l.pages.Language(nil, "", r.Header.Get("Accept-Language")), Status: http.StatusTooManyRequests}
		l.pages.Write(w, f, page.Message{
			Heading: page.Say("busy.heading"), Body: page.Say("busy.body"), Link: r.URL.RequestURI(), LinkText: page.Say("busy.link"),
		})
	})
}

func (l *limiter) allow(addr netip.Addr, now time.Time) bool {
	if slices.ContainsFunc(l.exempt, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		return true
	}
	network := session.Network(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.swept) > forgetAfter {
		for n, s := range l.networks {
			if now.Sub(s.last) > forgetAfter {
				delete(l.networks, n)
			}
		}
		l.swept = now
	}
	s := l.networks[network]
	if s == nil {
		s = &seen{bucket: rate.NewLimiter(formsPerSecond, formsAtOnce)}
		l.networks[network] = s
	}
	s.last = now
	return s.bucket.AllowN(now, 1)
}
