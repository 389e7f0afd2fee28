package idp

import (
	"net/netip"
	"testing"
)

func TestPublicAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"192.0.2.1": true, "8.8.8.8": true, "2a00:1450:400a::1": true, "2001:4860:4860::8888": true, "2620:fe::fe": true, "::ffff:8.8.8.8": true,
		"10.0.0.1": false, "127.0.0.1": false, "169.254.169.254": false, "100.64.0.1": false, "0.0.0.0": false,
		"::1": false, "::": false, "fe80::1": false, "fd00::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false,
		// Each of these leads to 10.0.0.1 or 127.0.0.1 where a network translates.
		"2002:a00:1::": false, "2001:0:a00:1::f5ff:fffe": false, "64:ff9b::a00:1": false, "64:ff9b:1::a00:1": false, "::10.0.0.1": false, "::127.0.0.1": false,
	} {
		if got := public(netip.MustParseAddr(address).Unmap()); got != want {
			t.Errorf("%s: public is %v", address, got)
		}
	}
}
