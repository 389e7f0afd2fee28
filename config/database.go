package config

import (
	"log/slog"
	"net/url"
	"strings"
)

// DatabaseURL names the database: sqlite:PATH or postgres://…. Whatever formats it hides passwords; Reveal gives the
// whole text, for whoever opens the database.
type DatabaseURL struct{ url Secret }

// ParseDatabaseURL reads an address of a database. Its errors never quote the text, which may hold a password.
func ParseDatabaseURL(text string) (DatabaseURL, error) {
	if m := checkDatabaseURL(text); m != nil {
		return DatabaseURL{}, m
	}
	return DatabaseURL{url: NewSecret(text)}, nil
}

func checkDatabaseURL(text string) *mistake {
	path, isSQLite := strings.CutPrefix(text, "sqlite:")
	switch {
	case isSQLite && path == "":
		return &mistake{"names no file", "write sqlite:PATH, such as sqlite:./data/sallyport.db"}
	case isSQLite && strings.HasPrefix(path, "//"):
		return &mistake{"has slashes of a network address", "write sqlite:PATH, such as sqlite:/var/lib/sallyport/sallyport.db"}
	case isSQLite && strings.Contains(path, ":memory:"):
		return &mistake{"would forget everything at the next start", "name a file: sqlite:PATH"}
	case isSQLite && strings.ContainsAny(path, "?#"):
		return &mistake{"has parameters", "write only sqlite:PATH; Sallyport chooses the parameters"}
	case isSQLite:
		return nil
	case !strings.HasPrefix(text, "postgres://") && !strings.HasPrefix(text, "postgresql://"):
		return &mistake{"is no address of a database", "write sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME"}
	}
	u, err := url.Parse(text)
	// An @ behind the host comes from a password with a raw slash or question mark, which would be taken for a path.
	if err != nil || strings.Contains(u.EscapedPath()+u.RawQuery+u.EscapedFragment(), "@") {
		return &mistake{"is no valid URL",
			"write special characters of the password in percent form, such as %2F for a slash and %40 for @"}
	}
	if _, err := url.ParseQuery(u.RawQuery); err != nil {
		return &mistake{"has parameters that can't be read", "write them as ?name=value&name=value, in percent form"}
	}
	return nil
}

// Reveal returns the whole text, password and all.
func (d DatabaseURL) Reveal() string { return d.url.Reveal() }

// SQLitePath returns the path of the database file, and whether it is SQLite at all.
func (d DatabaseURL) SQLitePath() (path string, ok bool) {
	return strings.CutPrefix(d.url.Reveal(), "sqlite:")
}

// HasPassword tells whether the text itself holds a password.
func (d DatabaseURL) HasPassword() bool { return d.String() != d.url.Reveal() }

// String returns the address with [redacted] in place of passwords.
func (d DatabaseURL) String() string {
	text := d.url.Reveal()
	scheme, rest, network := strings.Cut(text, "://")
	if !network {
		return text
	}
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		if user, _, ok := strings.Cut(rest[:at], ":"); ok {
			rest = user + ":" + redacted + rest[at:]
		}
	}
	address, query, hasQuery := strings.Cut(rest, "?")
	if !hasQuery {
		return scheme + "://" + rest
	}
	parameters := strings.Split(query, "&")
	for i, p := range parameters {
		if name, _, ok := strings.Cut(p, "="); ok && holdsPassword(name) {
			parameters[i] = name + "=" + redacted
		}
	}
	return scheme + "://" + address + "?" + strings.Join(parameters, "&")
}

// holdsPassword knows the parameters of PostgreSQL's drivers: password and sslpassword, however they are escaped.
func holdsPassword(name string) bool {
	plain, err := url.QueryUnescape(name)
	return err != nil || strings.Contains(strings.ToLower(plain), "password")
}

// GoString is String, for %#v.
func (d DatabaseURL) GoString() string { return d.String() }

// LogValue is String in structured logs.
func (d DatabaseURL) LogValue() slog.Value { return slog.StringValue(d.String()) }

// MarshalText writes String.
func (d DatabaseURL) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
