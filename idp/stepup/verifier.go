package stepup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Verifier says what the access tokens that come to an API are worth. Make one
// when the product starts and share it; its fields aren't changed afterwards.
// It reads the provider's discovery document when it first needs it, and tries
// again when that failed.
type Verifier struct {
	// Issuer is the provider's, exactly as its discovery document has it: https, or
	// http on the same machine.
	Issuer string
	// Audience is whom tokens must be meant for: the API's own resource
	// identifier (RFC 8707), and, where opaque tokens of a product's sign-in are to
	// be good here, that product's client id. One of them is enough; with none,
	// every token is refused.
	Audience []string
	// ClientID and ClientSecret are what the API says at the introspection
	// endpoint, by HTTP Basic authentication. Empty: opaque tokens are refused.
	ClientID, ClientSecret string
	// AlwaysIntrospect asks the provider about JWTs too, after they were verified:
	// what was revoked is then refused at the next call, and not only when the
	// token expires, five minutes after it was issued.
	AlwaysIntrospect bool
	// BaseURL is the API's address as callers write it, with no path below which it
	// doesn't answer and no trailing slash: https://control.example.com. Proofs of
	// possession (DPoP, RFC 9449) are held against it. Empty: tokens that are bound
	// to a key are refused.
	BaseURL string

	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// HTTP talks to the provider; nil: a client with a limit of ten seconds. It
	// is never followed to another address.
	HTTP *http.Client
	// Log gets why tokens were refused and what failed, never a token; nil: none.
	Log *slog.Logger

	prepare sync.Once
	client  *http.Client
	remote  remote
	seen    replays
}

// Token is an access token that was verified.
type Token struct {
	Claims
	Issuer   string
	Subject  string
	ClientID string
	Audience []string
	Scope    []string
	Expires  time.Time
	// KeyThumbprint is that of the key whose possession the caller proved, "" for a
	// bearer token.
	KeyThumbprint string

	all json.RawMessage
}

// Has says whether a scope was granted.
func (t *Token) Has(scope string) bool { return slices.Contains(t.Scope, scope) }

// Decode reads whatever else the token, or introspection, says, as JSON into a
// struct or map: roles, act.
func (t *Token) Decode(into any) error { return json.Unmarshal(t.all, into) }

// errToken refuses a token; its text is for the log, and what callers are told
// is always the same.
type errToken struct{ reason string }

func (e errToken) Error() string { return "access token refused: " + e.reason }

func refuse(format string, args ...any) error { return errToken{fmt.Sprintf(format, args...)} }

// errUnavailable is for what isn't the token's fault.
type errUnavailable struct{ cause error }

func (e errUnavailable) Error() string { return "the provider can't be asked: " + e.cause.Error() }
func (e errUnavailable) Unwrap() error { return e.cause }

func (v *Verifier) now() time.Time {
	if v.Now == nil {
		return time.Now()
	}
	return v.Now()
}

func (v *Verifier) start() {
	v.prepare.Do(func() {
		c := http.Client{Timeout: remoteTimeout}
		if v.HTTP != nil {
			c = *v.HTTP
		}
		// Credentials and tokens go where discovery says, and no further.
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		v.client = &c
	})
}

// said is what a JWT access token (RFC 9068 section 2.2) and introspection (RFC
// 7662 section 2.2) say alike.
type said struct {
	Claims
	Issuer    string        `json:"iss"`
	Subject   string        `json:"sub"`
	ClientID  string        `json:"client_id"`
	Audience  oneOrMany     `json:"aud"`
	Scope     string        `json:"scope"`
	Expires   int64         `json:"exp"`
	NotBefore int64         `json:"nbf"`
	Issued    int64         `json:"iat"`
	ID        string        `json:"jti"`
	Type      string        `json:"token_type"`
	Bound     *confirmation `json:"cnf"`
}

// confirmation is the key that a token is bound to (RFC 7800). What isn't a
// DPoP key can't be checked here; a token bound to it is refused.
type confirmation struct {
	jkt string
}

// UnmarshalJSON refuses a confirmation with other members than jkt.
func (c *confirmation) UnmarshalJSON(data []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	if len(all) != 1 || json.Unmarshal(all["jkt"], &c.jkt) != nil {
		return errors.New("the token is bound to something else than a DPoP key")
	}
	return nil
}

// verify tells what a token is worth. How it was presented, and with which
// proof, is for the caller to see to.
func (v *Verifier) verify(ctx context.Context, raw string) (*Token, *said, error) {
	v.start()
	var body []byte
	var err error
	if strings.Count(raw, ".") == 2 {
		body, err = v.readJWT(ctx, raw)
		if err == nil && v.AlwaysIntrospect {
			_, err = v.introspect(ctx, raw)
		}
	} else {
		body, err = v.introspect(ctx, raw)
	}
	if err != nil {
		return nil, nil, err
	}
	s := new(said)
	if err := json.Unmarshal(body, s); err != nil {
		return nil, nil, refuse("its claims can't be read: %v", err)
	}
	if err := v.check(s); err != nil {
		return nil, nil, err
	}
	return &Token{
		Claims: s.Claims, Issuer: v.Issuer, Subject: s.Subject, ClientID: s.ClientID, Audience: s.Audience,
		Scope: strings.Fields(s.Scope), Expires: time.Unix(s.Expires, 0).UTC(), all: body,
	}, s, nil
}

// check is what holds for tokens of both kinds.
func (v *Verifier) check(s *said) error {
	now := v.now()
	switch {
	case s.Issuer != v.Issuer:
		return refuse("iss is %q", s.Issuer)
	case !slices.ContainsFunc(s.Audience, func(a string) bool { return slices.Contains(v.Audience, a) }):
		return refuse("aud is %q, and this is %q", []string(s.Audience), v.Audience)
	case s.Subject == "" || s.ClientID == "":
		return refuse("it has no sub or no client_id")
	case !now.Before(time.Unix(s.Expires, 0)): // one without exp expired in 1970
		return refuse("it has expired, or doesn't say when it does")
	case now.Add(skew).Before(time.Unix(s.NotBefore, 0)), now.Add(skew).Before(time.Unix(s.Issued, 0)):
		return refuse("it isn't valid yet")
	}
	return nil
}

// oneOrMany is an audience: a string, or an array of them (RFC 7519 section
// 4.1.3).
type oneOrMany []string

// UnmarshalJSON reads both forms.
func (o *oneOrMany) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*o = oneOrMany{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(o))
}
