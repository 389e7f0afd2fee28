package server

import (
	"net/netip"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	l := newLimiter([]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, nil)
	now := time.Now()
	addr := netip.MustParseAddr
	for range formsAtOnce {
		if !l.allow(addr("203.0.113.7"), now) {
			t.Fatal("refused before the limit")
		}
	}
	for _, tt := range []struct {
		who  string
		at   time.Time
		want bool
		why  string
	}{
		{"203.0.113.7", now, false, "the limit is reached"},
		{"203.0.113.200", now, false, "a /24 counts as one"},
		{"203.0.114.7", now, true, "another network"},
		{"2001:db8:1:2::3", now, true, "another network"},
		{"203.0.113.7", now.Add(time.Second), true, "some come back every second"},
		{"203.0.113.7", now.Add(time.Hour), true, "quiet networks are forgotten"},
	} {
		if got := l.allow(addr(tt.who), tt.at); got != tt.want {
			t.Errorf("%s: %v; %s", tt.who, got, tt.why)
		}
	}
	if len(l.networks) != 1 {
		t.Errorf("%d networks remembered after an hour", len(l.networks))
	}
	for range 10 * formsAtOnce {
		if !l.allow(addr("192.0.2.1"), now) {
			t.Fatal("an exempt network was refused")
		}
	}
}
