package idp

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// maxAnswer bounds what is read of an answer to an outbound call.
const maxAnswer = 1 << 20

// ErrPrivateAddress says that an outbound call was refused.
var ErrPrivateAddress = errors.New("private and loopback addresses are refused: set outbound.allow_private to call them")

// NewOutbound is the client for calls to registered URLs: no redirects, 5 s,
// no proxy, and no private or loopback addresses unless they are allowed. The
// address is checked after the name is resolved, so that no name can lead
// inside.
func NewOutbound(allowPrivate bool) *http.Client {
	dialer := &net.Dialer{Timeout: 3 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("address %q: %w", address, err)
		}
		if a := ap.Addr().Unmap(); !allowPrivate && !public(a) {
			return fmt.Errorf("%s: %w", a, ErrPrivateAddress)
		}
		return nil
	}}
	return &http.Client{
		Timeout:       5 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: 3 * time.Second, MaxIdleConns: 16, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10},
	}
}

// shared are ranges that are neither private nor public in netip's terms, and
// those that lead on to IPv4 addresses, private ones too: 6to4, Teredo, both
// NAT64 prefixes and IPv4-compatible addresses. Mapped ones were unmapped
// before.
var shared = []netip.Prefix{
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("::/96"),
}

func public(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range shared {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
