package server

import (
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/sallyport-id/sallyport/idp/limit"
	"github.com/sallyport-id/sallyport/idp/session"
)

// A network is a /24 or /48, and kinds of calls are counted apart.
func TestLimiter(t *testing.T) {
	l := &limiter{exempt: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
	once := limit.Rate{PerSecond: 1, AtOnce: 1}
	for _, tt := range []struct {
		who, kind string
		want      bool
		why       string
	}{
		{"203.0.113.7", "forms", true, "the first"},
		{"203.0.113.7", "forms", false, "the limit is reached"},
		{"203.0.113.200", "forms", false, "a /24 counts as one"},
		{"203.0.113.7", "products", true, "another kind"},
		{"203.0.114.7", "forms", true, "another network"},
		{"2001:db8:1:2::3", "forms", true, "another network"},
		{"2001:db8:1:ffff::3", "forms", false, "a /48 counts as one"},
		{"192.0.2.1", "forms", true, "exempt"},
		{"192.0.2.1", "forms", true, "exempt"},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r = r.WithContext(session.WithOrigin(r.Context(), session.Origin{Addr: netip.MustParseAddr(tt.who)}))
		if got := l.take(r, tt.kind, once) == 0; got != tt.want {
			t.Errorf("%s, %s: %v; %s", tt.who, tt.kind, got, tt.why)
		}
	}
}
