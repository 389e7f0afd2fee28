package protocoltest_test

import (
	"net/url"
	"testing"
	"time"
)

// OpenID Connect Core section 3.1.2.1: max_age counts for a session that began
// in another tab, after the request did, as well.
func TestCoreSection3_1_2_1MaxAgeOfAnotherTab(t *testing.T) {
	both(t, others, func(t *testing.T, w *world) {
		rp, tab := w.rp(t, "first"), w.visitor(t)
		waiting := tab.Go(rp.AuthorizeURL(url.Values{"max_age": {"60"}})).MustBeAt("/login/password").URL.String()
		never := tab.Go(rp.AuthorizeURL(url.Values{"max_age": {"0"}})).MustBeAt("/login/password").URL.String()
		w.Clock.Advance(10 * time.Second)
		mustCode(t, signIn(tab.Go(w.rp(t, "other").AuthorizeURL(nil)), ana))
		w.Clock.Advance(time.Second)
		tab.Go(never).MustBeAt("/login/password")
		soon := tab.Go(rp.AuthorizeURL(url.Values{"max_age": {"60"}}))
		mustCode(t, soon)
		w.Clock.Advance(25 * time.Minute)
		mustCode(t, signIn(tab.Go(waiting).MustBeAt("/login/password"), ana))
		w.Clock.Advance(time.Second)
		mustCode(t, signIn(tab.Go(never).MustBeAt("/login/password"), ana))
	})
}

// Whoever signs in for the request itself has done so within any max_age, and
// may take their time on the pages after that.
func TestCoreSection3_1_2_1MaxAgeOfItsOwnSignIn(t *testing.T) {
	w := start(t, "sqlite", `
products:
  - {id: asks, name: Asks, secret_hash: "${SECRET_HASH}", redirect_uris: ["https://rp.example/callback"], scopes: [openid, profile, email]}
`)
	p := w.visitor(t).Go(w.rp(t, "asks").AuthorizeURL(url.Values{"max_age": {"0"}}))
	signIn(p, ana).MustBeAt("/login/consent")
	w.Clock.Advance(5 * time.Minute)
	mustCode(t, p.Submit(map[string]string{"allow": "1"}))
}
