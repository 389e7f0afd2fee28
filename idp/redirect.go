package idp

import (
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/storage"
)

// redirectAllowed compares the raw strings; for a native client's loopback
// address the port alone may differ (RFC 8252 section 7.3).
func redirectAllowed(c *storage.Client, uri string) bool {
	if slices.Contains(c.RedirectURIs, uri) {
		return true
	}
	if !c.Native {
		return false
	}
	for _, registered := range c.RedirectURIs {
		for _, host := range []string{"http://127.0.0.1", "http://[::1]"} {
			rest, ok := strings.CutPrefix(registered, host)
			if !ok {
				continue
			}
			asked, ok := strings.CutPrefix(uri, host)
			if ok && withoutPort(asked) == withoutPort(rest) {
				return true
			}
		}
	}
	return false
}

// withoutPort removes ":digits" from the front of what follows the host.
func withoutPort(rest string) string {
	after, ok := strings.CutPrefix(rest, ":")
	if !ok {
		return rest
	}
	trimmed := strings.TrimLeft(after, "0123456789")
	if n := len(after) - len(trimmed); n == 0 || n > 5 || trimmed != "" && trimmed[0] != '/' && trimmed[0] != '?' {
		return rest
	}
	return trimmed
}
