package config

import (
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// derive fills in what follows from other options.
func (l *loading) derive() {
	c := l.config
	if c.Issuer == "" && !l.refused["issuer"] {
		l.deriveIssuer()
	}
	if c.ProductName == "" {
		c.ProductName = "Sallyport"
		// A colon would end the name early in an otpauth: link, and an IPv6 address has some.
		if u, err := url.Parse(c.Issuer); err == nil && u.Hostname() != "" && !strings.Contains(u.Hostname(), ":") {
			c.ProductName = u.Hostname()
		}
		c.origin["product_name"] = "default, the host of issuer"
	}
	if path, ok := c.DatabaseURL.SQLitePath(); ok && c.MasterKeyFile == "" && c.MasterKey.IsZero() {
		c.MasterKeyFile = filepath.Join(filepath.Dir(path), "master.key")
		c.origin["master_key_file"] = "default, beside the database"
	}
}

// deriveIssuer makes localhost the issuer where only this machine can connect. It is never 127.0.0.1, even if that is
// where the server listens: browsers bind passkeys to names, not to addresses.
func (l *loading) deriveIssuer() {
	c := l.config
	host, port, m := splitAddress(c.Listen)
	if m != nil {
		return // the check of listen says so
	}
	if port == "0" {
		l.report("issuer", &mistake{"is needed, because listen leaves the port to the system",
			"set issuer, or give listen a port"})
		return
	}
	if !isLoopback(host) {
		l.report("issuer", &mistake{fmt.Sprintf("is needed, because others can connect to listen (%s)", c.Listen),
			"set issuer to the address that people will see, such as https://id.example.com"})
		return
	}
	scheme := "http"
	if c.TLSCertFile != "" {
		scheme = "https"
	}
	c.Issuer = canonical(scheme, "localhost", port)
	c.origin["issuer"] = "default, from listen"
}

// check holds the values against the rules that a type alone doesn't say.
func (l *loading) check() {
	c := l.config
	l.checkIssuer()
	l.checkAddresses()
	l.checkTLS()
	l.checkMTLS()
	l.checkKey()
	l.checkSessions()
	l.checkMail()
	l.checkText()
	l.checkCodes()
	l.checkWebAuthn()
	l.checkAudit()
	l.checkKeys()
	for _, network := range c.TrustedProxies {
		if network.Bits() == 0 {
			l.report("trusted_proxies", &mistake{fmt.Sprintf("has %s: everybody could pretend to call from anywhere", network),
				"name only the networks of your proxies"})
		}
	}
	if c.LogFormat != "text" && c.LogFormat != "json" {
		l.report("log_format", &mistake{fmt.Sprintf("is %q", c.LogFormat), "write text or json"})
	}
	if strings.ContainsFunc(c.ProductName, func(r rune) bool { return r == ':' || r < ' ' || r == 0x7f }) {
		l.report("product_name", &mistake{fmt.Sprintf("is %q, with a colon or a control character", c.ProductName),
			"leave them out; authenticator apps can't show them"})
	}
	if c.DatabaseURL.HasPassword() && strings.HasPrefix(c.origin["database_url"], "--") {
		l.report("database_url", &mistake{"has a password, which everybody on this machine can see among the arguments",
			"set SALLYPORT_DATABASE_URL, or SALLYPORT_DATABASE_URL_FILE to a file that holds it"})
	}
}

func (l *loading) checkIssuer() {
	c := l.config
	if c.Issuer == "" {
		return // reported where it could not be derived
	}
	if m := issuerMistake(c.Issuer); m != nil {
		l.report("issuer", m)
		return
	}
	if strings.HasPrefix(c.Issuer, "http:") && c.TLSCertFile != "" {
		l.report("issuer", &mistake{"begins with http, but tls_cert_file is set",
			"write https" + strings.TrimPrefix(c.Issuer, "http")})
	}
}

// issuerMistake tells what keeps the text from being an origin exactly as browsers write it.
func issuerMistake(text string) *mistake {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		return &mistake{fmt.Sprintf("is %q, which is no address of a site", text), "write one such as https://id.example.com"}
	}
	host := strings.ToLower(u.Hostname())
	if strings.ContainsFunc(host, func(r rune) bool { return r > 0x7e }) {
		return &mistake{fmt.Sprintf("is %q, with letters outside ASCII", text), "write the host in its form that begins with xn--"}
	}
	// The three names are those for which browsers and RFC 8252 make the exception.
	local := host == "localhost" || host == "127.0.0.1" || host == "::1"
	if u.Scheme == "http" && !local {
		return &mistake{fmt.Sprintf("is %q, without TLS", text), "write https; only localhost may do without"}
	}
	right := canonical(u.Scheme, host, u.Port())
	var wrong string
	switch {
	case u.User != nil:
		// Not quoted: it may be a password.
		return &mistake{"has a user name", "write " + right}
	case u.RawQuery != "" || u.ForceQuery:
		wrong = "with a query"
	case strings.Contains(text, "#"):
		wrong = "with a fragment"
	case u.Path == "/":
		wrong = "with a slash at its end"
	case u.Path != "":
		wrong = "with a path; Sallyport needs a host of its own"
	case text != right:
		wrong = "which browsers write otherwise"
	default:
		return nil
	}
	return &mistake{fmt.Sprintf("is %q, %s", text, wrong), "write " + right}
}

// canonical writes an origin like a browser does: the port only where it isn't the scheme's own.
func canonical(scheme, host, port string) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "" || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return scheme + "://" + host
	}
	return scheme + "://" + host + ":" + port
}

func (l *loading) checkAddresses() {
	c := l.config
	if _, _, m := splitAddress(c.Listen); m != nil {
		l.report("listen", m)
	}
	if c.MetricsListen == "" {
		return
	}
	if _, port, m := splitAddress(c.MetricsListen); m != nil {
		l.report("metrics_listen", m)
	} else if c.MetricsListen == c.Listen && port != "0" {
		l.report("metrics_listen", &mistake{"is the same as listen", "give it another port"})
	}
}

func splitAddress(text string) (host, port string, m *mistake) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", "", &mistake{fmt.Sprintf("is %q, which is no host and port", text), "write HOST:PORT, such as localhost:8080 or :8080"}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return "", "", &mistake{fmt.Sprintf("is %q, whose port is no number up to 65535", text), "write HOST:PORT, such as localhost:8080"}
	}
	return host, port, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

func (l *loading) checkTLS() {
	c := l.config
	switch {
	case c.TLSCertFile == "" && c.TLSKeyFile == "":
	case c.TLSKeyFile == "":
		l.report("tls_cert_file", &mistake{"is set without tls_key_file", "set both or neither"})
	case c.TLSCertFile == "":
		l.report("tls_key_file", &mistake{"is set without tls_cert_file", "set both or neither"})
	default:
		if _, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile); err != nil {
			l.problems = append(l.problems, &Problem{Option: "tls_cert_file", Source: c.origin["tls_cert_file"],
				Wrong: "and tls_key_file can't be used", Err: err,
				Remedy: "name a certificate chain and its private key, both PEM and readable by this user"})
		}
	}
}

func (l *loading) checkKey() {
	c := l.config
	if l.refused["master_key"] || l.refused["database_url"] {
		return
	}
	switch {
	case !c.MasterKey.IsZero() && c.MasterKeyFile != "":
		l.report("master_key", &mistake{"is set together with master_key_file (" + c.origin["master_key_file"] + ")",
			"keep one of the two"})
	case !c.MasterKey.IsZero():
		if _, m := decodeKey(c.MasterKey.Reveal()); m != nil {
			l.report("master_key", m)
		}
	case c.MasterKeyFile == "":
		l.report("master_key", &mistake{"is needed with PostgreSQL, where all replicas share it", makeKey})
	}
}

func (l *loading) checkSessions() {
	s := l.config.Sessions
	if l.refused["sessions.idle"] || l.refused["sessions.absolute"] {
		return
	}
	if s.Idle < time.Minute {
		l.report("sessions.idle", &mistake{fmt.Sprintf("is %s, too short to get anything done", brief(s.Idle)), "write at least 1m"})
	}
	if s.Absolute < s.Idle {
		l.report("sessions.absolute", &mistake{
			fmt.Sprintf("is %s, shorter than sessions.idle (%s)", brief(s.Absolute), brief(s.Idle)),
			"make it at least as long"})
	}
}

// refuseWithout reports the options that are set for nothing, because the one they belong to isn't set.
func (l *loading) refuseWithout(needed string, set map[string]bool) {
	if l.refused[needed] {
		return
	}
	for _, option := range slices.Sorted(maps.Keys(set)) {
		if set[option] {
			l.report(option, &mistake{"is set without " + needed, "set that too, or neither"})
		}
	}
}
