package protocoltest_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
)

// Why the policy refuses is told to the operator's own products; others, to whom
// nobody consented, learn no more than the code.
func TestCoreSection3_1_2_6SaysNothingOfPeople(t *testing.T) {
	w := start(t, "sqlite", others)
	rp, p := w.rp(t, "first"), w.member(t, ana)
	for _, c := range []struct{ more url.Values }{
		{url.Values{"max_age": {"0"}}},
		{url.Values{"acr_values": {"urn:sallyport:acr:2fa"}, "claims": {`{"id_token":{"acr":{"essential":true,"value":"urn:sallyport:acr:2fa"}}}`}}},
	} {
		c.more.Set("prompt", "none")
		said := map[bool]string{}
		for _, own := range []bool{true, false} {
			w.set(t, "first", func(c *storage.Client) { c.FirstParty = own })
			q := mustArrive(t, p.Go(rp.AuthorizeURL(c.more)))
			mustBeTold(t, w, q, q.Get("error"))
			said[own] = q.Get("error") + ": " + q.Get("error_description")
		}
		if general := said[false]; said[true] == general || !strings.HasSuffix(general, ": the person must sign in") && !strings.HasSuffix(general, ": the person must take another step first") {
			t.Errorf("%v: %v", c.more, said)
		}
	}
}
