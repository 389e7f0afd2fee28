package apply

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

const exactURI = "they are compared character by character: write the whole address, such as https://dashboard.example.com/callback"

func (c checker) uris(field string, all []string) {
	for i, text := range all {
		c.uri(fmt.Sprintf("%s[%d]", field, i), text)
	}
}

// uri is an address that this provider sends people or messages to: https, http that never leaves the machine, or an
// app's own scheme (RFC 8252 section 7.1), which onlyWeb refuses.
func (c checker) uri(field, text string) {
	refuse := func(wrong, remedy string) { c.refuse(field, fmt.Sprintf("is %q, %s", text, wrong), remedy) }
	u, err := url.Parse(text)
	switch {
	case err != nil || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > 0x7e || r == '\\' }):
		refuse("which is no URI", exactURI)
	case !u.IsAbs():
		refuse("which is not absolute", exactURI)
	case strings.Contains(text, "#"):
		refuse("with a fragment", "leave out # and what follows it")
	case strings.Contains(text, "*"):
		refuse("with a wildcard", exactURI)
	case u.User != nil:
		refuse("with a name or password before the host", "leave them out")
	case hasDotSegment(u.Path):
		refuse("with . or .. in its path", exactURI)
	case !isWeb(u) && !strings.Contains(u.Scheme, "."):
		refuse("which is neither https nor an app's own scheme", "write an address that begins with https://, "+
			"or for an app a domain name of yours backwards: com.example.app:/callback")
	case !isWeb(u):
	case u.Hostname() == "" || !portOK(u):
		refuse("without a host or with a wrong port", exactURI)
	case u.Scheme == "http" && !isLocal(u.Hostname()):
		refuse("without TLS", "write https; only localhost, *.localhost, 127.0.0.1 and [::1] may do without")
	}
}

// onlyWeb refuses schemes of apps.
func (c checker) onlyWeb(field string, all []string) {
	for _, text := range all {
		if u, err := url.Parse(text); err == nil && u.IsAbs() && !isWeb(u) && strings.Contains(u.Scheme, ".") {
			c.refuse(field, fmt.Sprintf("has %q, whose scheme is an app's own", text), "write an address that begins with https://; "+
				"only redirects of a product with native: true may have a scheme of their own")
		}
	}
}

func isWeb(u *url.URL) bool { return u.Scheme == "https" || u.Scheme == "http" }

func hasDotSegment(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

func portOK(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && n > 0
}

// isLocal says whether a host never leaves the machine (RFC 6761 section 6.3).
func isLocal(host string) bool {
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") ||
		host == "127.0.0.1" || host == "::1"
}
