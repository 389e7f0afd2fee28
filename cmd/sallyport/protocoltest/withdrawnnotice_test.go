package protocoltest_test

import (
	"net/url"
	"strings"
	"testing"
)

// The account says that a product's access was withdrawn where it was, and
// never what a product is called to somebody who follows a link.
func TestWithdrawnNoticeIsTrue(t *testing.T) {
	const notice = "Theirs has no access any more"
	both(t, theirs, func(t *testing.T, w *world) {
		r, p := w.rp(t, "theirs"), w.member(t, ana)
		made := w.URL + "/account?withdrawn=theirs"
		unsaid := func(when string) {
			t.Helper()
			if text := p.Go(made).MustBeAt("/account").Text(); strings.Contains(text, notice) {
				t.Errorf("%s: %s", when, text)
			}
		}
		unsaid("never allowed")
		if strings.Contains(p.Text(), "Theirs") {
			t.Errorf("names a product: %s", p.Text())
		}
		allow := func() {
			t.Helper()
			p.Go(r.AuthorizeURL(url.Values{"prompt": {"consent"}})).MustBeAt("/login/consent").Submit(map[string]string{"allow": "1"})
			r.Exchange(p.URL.Query().Get("code"), nil)
		}
		allow()
		unsaid("allowed")
		p.Go(w.URL + "/account").SubmitTo("/account/products/withdraw").MustBeAt("/account").MustRead(notice)
		allow()
		unsaid("allowed again")
	})
}
