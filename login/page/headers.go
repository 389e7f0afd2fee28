package page

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// setHeaders sets what protects a page in the browser. Nothing but our own
// static files runs or is drawn, nobody frames us, nothing is kept. Pages that
// frame or draw what is a product's say so, and get that origin alone.
func setHeaders(h http.Header, f Frame, p Page) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	policy := contentPolicy(f.FormActions)
	if framing, ok := p.(interface{ frames() []string }); ok {
		policy += sources("; frame-src", framing.frames())
	}
	if drawing, ok := p.(interface{ pictures() []string }); ok {
		policy = strings.Replace(policy, "img-src 'self' data:", "img-src 'self' data:"+sources("", drawing.pictures()), 1)
	}
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	// With no-referrer, browsers send "Origin: null" on our own forms.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// contentPolicy writes the Content-Security-Policy. formActions are origins a
// form may lead to by redirect; see allowedAction for those that are dropped.
func contentPolicy(formActions []string) string {
	actions := []string{"'self'"}
	for _, action := range formActions {
		if allowedAction(action) {
			actions = append(actions, action)
		}
	}
	return strings.Join([]string{
		"default-src 'none'",
		"style-src 'self'",
		"script-src 'self'",
		"img-src 'self' data:",
		"connect-src 'self'",
		"form-action " + strings.Join(actions, " "),
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}

// sources are the origins of web addresses, after a directive; nothing where
// there are none.
func sources(directive string, addresses []string) string {
	var origins []string
	for _, address := range addresses {
		if origin := WebOrigin(address); origin != "" && !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	if len(origins) == 0 {
		return ""
	}
	return directive + " " + strings.Join(origins, " ")
}

// WebOrigin is the origin of an address of the web as browsers write it, empty for any other and
// for those that can't be named in a policy.
func WebOrigin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return ""
	}
	host := strings.TrimSuffix(u.Host, map[string]string{"https": ":443", "http": ":80"}[u.Scheme])
	if origin := strings.ToLower(u.Scheme + "://" + host); allowedAction(origin) {
		return origin
	}
	return ""
}

// allowedAction reports whether a form-action source is an origin
// (scheme://host[:port]) or the bare scheme of an installed app ("app:").
// Anything that could end the directive or widen it is refused, and so are
// bare schemes that mean the whole web, or script. An IPv6 address is no host
// in a CSP and is refused too.
func allowedAction(source string) bool {
	scheme, rest, found := strings.Cut(strings.ToLower(source), ":")
	if !found || scheme == "" || !isLetter(rune(scheme[0])) || !madeOf(scheme, "+.-") {
		return false
	}
	if rest == "" {
		return !slices.Contains([]string{"http", "https", "ws", "wss", "javascript", "data", "blob", "filesystem", "file", "about"}, scheme)
	}
	authority, found := strings.CutPrefix(rest, "//")
	if !found {
		return false
	}
	host, port, hasPort := strings.Cut(authority, ":")
	if host == "" || !madeOf(host, ".-") {
		return false
	}
	return !hasPort || port != "" && strings.Trim(port, "0123456789") == ""
}

func isLetter(c rune) bool { return 'a' <= c && c <= 'z' }

// madeOf reports whether s has only small letters, digits and others.
func madeOf(s, others string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool {
		return !isLetter(c) && (c < '0' || c > '9') && !strings.ContainsRune(others, c)
	})
}
