package stepup

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Challenge is what an API answered that wants another token.
type Challenge struct {
	// Scheme is Bearer or DPoP, as the API wrote it.
	Scheme string
	// Parameters are by their names in lower case; error, error_description,
	// acr_values and max_age are those of RFC 9470.
	Parameters map[string]string
}

// ParseChallenge finds in the headers of an answer what the API wants (RFC 9110
// section 11.6.1): a Bearer or DPoP challenge, one with an error before one
// without. It is false where there is none, or none that can be read.
func ParseChallenge(h http.Header) (Challenge, bool) {
	var found Challenge
	for _, line := range h.Values("WWW-Authenticate") {
		for _, c := range challenges(line) {
			ours := strings.EqualFold(c.Scheme, "Bearer") || strings.EqualFold(c.Scheme, "DPoP")
			if ours && (found.Scheme == "" || found.Parameters["error"] == "" && c.Parameters["error"] != "") {
				found = c
			}
		}
	}
	return found, found.Scheme != ""
}

// StepUp is what to add to an authorization request in order to get a token that
// the API takes (RFC 9470 section 4), and false where another sign-in wouldn't
// help. Send the person there, redeem the code, and repeat the call.
//
// Where the API says that a fresh second factor would do, this asks for that and
// spares the person the password.
func (c Challenge) StepUp() (url.Values, bool) {
	if c.Parameters["error"] != insufficientAuthentication {
		return nil, false
	}
	q := url.Values{}
	if acr := c.Parameters["acr_values"]; acr != "" {
		q.Set("acr_values", acr)
	}
	age := func(name string) string {
		if n, err := strconv.ParseUint(c.Parameters[name], 10, 31); err == nil {
			return strconv.FormatUint(n, 10)
		}
		return ""
	}
	if mfa := age(mfaMaxAge); mfa != "" {
		q.Set("claims", `{"id_token":{"mfa_time":{"max_age":`+mfa+`}}}`)
	} else if max := age("max_age"); max != "" {
		q.Set("max_age", max)
	}
	return q, len(q) > 0
}

// challenges reads one header, which may hold several. It stops at what it
// can't read.
func challenges(line string) (all []Challenge) {
	s := &scanner{rest: line}
	for {
		s.skip(" \t,")
		name := s.token()
		if name == "" {
			return all
		}
		s.skip(" \t")
		if len(all) > 0 && s.next('=') { // a parameter of the challenge before
			s.skip(" \t")
			value, ok := s.value()
			if !ok {
				return all
			}
			// The first counts: a challenge can't say two things.
			if known := all[len(all)-1].Parameters; known[strings.ToLower(name)] == "" {
				known[strings.ToLower(name)] = value
			}
			continue
		}
		all = append(all, Challenge{Scheme: name, Parameters: make(map[string]string)})
	}
}

// scanner reads a header from its front.
type scanner struct{ rest string }

func (s *scanner) skip(set string) { s.rest = strings.TrimLeft(s.rest, set) }

func (s *scanner) next(c byte) bool {
	if s.rest == "" || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// token reads RFC 9110's token.
func (s *scanner) token() string {
	n := 0
	for n < len(s.rest) && (isAlphanumeric(s.rest[n]) || strings.IndexByte("!#$%&'*+-.^_`|~", s.rest[n]) >= 0) {
		n++
	}
	token := s.rest[:n]
	s.rest = s.rest[n:]
	return token
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// value reads a token or a quoted string.
func (s *scanner) value() (string, bool) {
	if !s.next('"') {
		token := s.token()
		return token, token != ""
	}
	var b strings.Builder
	for i := 0; i < len(s.rest); i++ {
		switch c := s.rest[i]; {
		case c == '"':
			s.rest = s.rest[i+1:]
			return b.String(), true
		case c == '\\' && i+1 < len(s.rest):
			i++
			b.WriteByte(s.rest[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}
