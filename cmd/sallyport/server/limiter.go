package server

import (
	"encoding/json"
	"math"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/sallyport-id/sallyport/idp/limit"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/page"
)

// What a network may send. Limits per person are elsewhere, in the database,
// and hold whatever happens here.
var (
	// formCalls: enough for an office behind one address, too few to guess with
	// many accounts at once.
	formCalls = limit.Rate{PerSecond: 5, AtOnce: 100}
	// browserCalls are those of people on their way in and out.
	browserCalls = limit.Rate{PerSecond: 50, AtOnce: 500}
	// productCalls: a product's server comes from one address for all its people.
	productCalls = limit.Rate{PerSecond: 500, AtOnce: 5000}
	// registrationCalls: products aren't registered by the hundred.
	registrationCalls = limit.Rate{PerSecond: 1, AtOnce: 30}
)

// limiter slows down networks, in this process.
type limiter struct {
	exempt []netip.Prefix
	pages  *page.Renderer
	calls  limit.Callers
}

// slowForms slows down those who send forms.
func (l *limiter) slowForms(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if wait := l.take(r, "forms", formCalls); wait > 0 {
				l.busy(w, r, wait)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// slowCalls slows down those who call the protocol or the API.
func (l *limiter) slowCalls(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, rate, byPeople := "products", productCalls, false
		switch {
		case r.URL.Path == "/register" || path.Dir(r.URL.Path) == "/register":
			kind, rate = "registrations", registrationCalls
		case slices.Contains([]string{"/authorize", "/authorize/continue", "/logout"}, r.URL.Path):
			kind, rate, byPeople = "browsers", browserCalls, true
		}
		switch wait := l.take(r, kind, rate); {
		case wait > 0 && byPeople:
			l.busy(w, r, wait)
			return
		case wait > 0:
			tooMany(w, wait)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// take counts a call of the request's network.
func (l *limiter) take(r *http.Request, kind string, rate limit.Rate) (wait time.Duration) {
	addr := session.OriginOf(r.Context()).Addr
	if slices.ContainsFunc(l.exempt, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		return 0
	}
	return l.calls.Take(kind+" "+session.Network(addr), rate, time.Now())
}

func (l *limiter) busy(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	w.Header().Set("Retry-After", seconds(wait))
	f := page.Frame{Lang: l.pages.Language(nil, "", r.Header.Get("Accept-Language")), Status: http.StatusTooManyRequests}
	l.pages.Write(w, f, page.Message{
		Heading: page.Say("busy.heading"), Body: page.Say("busy.body"), Link: r.URL.RequestURI(), LinkText: page.Say("busy.link"),
	})
}

// tooMany tells a program, in the form of RFC 6749 section 5.2.
func tooMany(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", seconds(wait))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusTooManyRequests)
	json.NewEncoder(w).Encode(map[string]string{
		"error":             "temporarily_unavailable",
		"error_description": "too many calls from this network: wait for Retry-After; the operator can exempt a product's servers by limits.exempt_networks",
	})
}

func seconds(wait time.Duration) string { return strconv.Itoa(int(math.Ceil(wait.Seconds()))) }
