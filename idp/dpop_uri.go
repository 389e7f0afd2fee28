package idp

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// isHere says whether htu is the address of a request (RFC 9449 section 4.3):
// the one that the world knows, for a proxy may have changed the header Host,
// and whoever sends it may write there what they like.
func (p *Provider) isHere(htu string, r *http.Request) bool {
	said, ok := normalURI(htu)
	return ok && slices.ContainsFunc(p.bases(), func(base string) bool {
		here, ok := normalURI(base + r.URL.EscapedPath())
		return ok && here == said
	})
}

// bases are the origins at which clients call: the issuer's, and the one that
// asks for certificates (RFC 8705 section 5).
func (p *Provider) bases() []string {
	if p.MTLS != nil && p.MTLS.URL != "" {
		return []string{p.Issuer, p.MTLS.URL}
	}
	return []string{p.Issuer}
}

// normalURI is an http or https URI without query and fragment, after the
// normalization of RFC 3986 sections 6.2.2 and 6.2.3: case of scheme and host,
// default port, empty path, percent-encoding, dot segments.
func normalURI(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return "", false
	}
	usual, ok := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	if !ok {
		return "", false
	}
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" && port != usual {
		host += ":" + port
	}
	u, err = url.Parse(u.Scheme + "://" + host + plainest(u.EscapedPath()))
	if err != nil {
		return "", false
	}
	u = u.ResolveReference(u) // removes dot segments
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return u.Scheme + "://" + host + path, true
}

// plainest is a path in which nothing is percent-encoded that needn't be, and
// the rest by capital letters (RFC 3986 sections 6.2.2.1 and 6.2.2.2).
func plainest(path string) string {
	var out strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] != '%' || i+2 >= len(path) {
			out.WriteByte(path[i])
			continue
		}
		code := path[i : i+3]
		if b, err := url.PathUnescape(code); err == nil && isUnreserved(b[0]) {
			out.WriteString(b)
		} else {
			out.WriteString(strings.ToUpper(code))
		}
		i += 2
	}
	return out.String()
}

// isUnreserved is RFC 3986 section 2.3.
func isUnreserved(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("-._~", b) >= 0
}
