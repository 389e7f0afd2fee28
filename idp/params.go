package idp

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// params checks the parameters of an authorization request but those of
// redirectTarget. running is the session in the browser, whose age max_age is
// about; nil where none is, or no browser is there yet.
func (p *Provider) params(ctx context.Context, in *incoming, redirectURI string, running *storage.SignedIn) (out session.Params, silent bool, err error) {
	c, q := in.client, in.values
	if err := sentTwice(q); err != nil {
		return out, false, err
	}
	if err := tooLong(q); err != nil {
		return out, false, err
	}
	out = session.Params{
		RedirectURI: redirectURI, State: q.Get("state"), Nonce: q.Get("nonce"), LoginHint: q.Get("login_hint"),
		UILocales: strings.Fields(q.Get("ui_locales")), ACRValues: strings.Fields(q.Get("acr_values")),
	}
	for _, check := range []func() error{
		func() error { return notSupported(q) },
		func() (err error) { out.ResponseType, err = responseType(c, q.Get("response_type")); return err },
		func() (err error) {
			out.ResponseMode, err = responseMode(out.ResponseType, q.Get("response_mode"))
			return err
		},
		func() (err error) { out.Resources, err = p.resources(ctx, c, q["resource"]); return err },
		func() (err error) { out.Scope, err = p.grantedScope(ctx, c, q.Get("scope"), out); return err },
		func() (err error) { out.CodeChallenge, err = p.codeChallenge(c, q, out.ResponseType); return err },
		func() (err error) { out.DPoPJKT, err = dpopKey(q.Get("dpop_jkt")); return err },
		func() error { return nonceNeeded(out) },
		func() (err error) { silent, err = prompts(q, &out); return err },
		func() error { return p.claimsParameter(q.Get("claims"), &out) },
		func() error { return p.maxAge(maxAgeOf(c, q), running, &out) },
		func() error { return p.hint(ctx, q.Get("id_token_hint"), &out) },
	} {
		if err := check(); err != nil {
			return out, silent, err
		}
	}
	if len(out.ACRValues) == 0 {
		out.ACRValues = c.DefaultACRValues
	}
	out.ACRValues = profileOf(c).Asked(out.ACRValues)
	return out, silent, nil
}

func notSupported(q url.Values) error {
	if q.Has("registration") {
		return oauth(registrationUnsupported, "registration is not supported: register the product first")
	}
	return nil
}

// maxAgeOf is the max_age of a request, or of the client where it says none
// (OpenID Connect Dynamic Client Registration 1.0 section 2).
func maxAgeOf(c *storage.Client, q url.Values) string {
	if asked := q.Get("max_age"); asked != "" || c.DefaultMaxAge == nil {
		return asked
	}
	return strconv.FormatInt(*c.DefaultMaxAge, 10)
}

// secondsOf reads a max_age; nil: any will do.
func secondsOf(maxAge string) (*int64, error) {
	if maxAge == "" {
		return nil, nil
	}
	n, err := strconv.ParseUint(maxAge, 10, 31)
	if err != nil {
		return nil, oauth(invalidRequest, "max_age must be a number of seconds")
	}
	seconds := int64(n)
	return &seconds, nil
}

// resources are those that tokens are asked for (RFC 8707 section 2.1).
func (p *Provider) resources(ctx context.Context, c *storage.Client, asked []string) (all []string, err error) {
	for _, resource := range asked {
		if err := p.resourceProblem(ctx, c, resource); err != nil {
			return nil, err
		}
		if !slices.Contains(all, resource) {
			all = append(all, resource)
		}
	}
	return all, nil
}

// dpopKey is the key that a code will be bound to (RFC 9449 section 10): the
// SHA-256 thumbprint of a JWK, in base64url.
func dpopKey(thumbprint string) (string, error) {
	if thumbprint != "" && !isSHA256(thumbprint) {
		return "", oauth(invalidRequest, "dpop_jkt must be the SHA-256 thumbprint of a key: 43 characters of base64url")
	}
	return thumbprint, nil
}

// isSHA256 says whether a text looks like a SHA-256 hash in base64url.
func isSHA256(text string) bool {
	return len(text) == 43 && strings.Trim(text, base64urlAlphabet) == ""
}

// grantedScope keeps the scopes the client may ask for; unknown ones are
// ignored (OpenID Connect Core section 3.1.2.1).
func (p *Provider) grantedScope(ctx context.Context, c *storage.Client, asked string, out session.Params) (string, error) {
	allowed, err := p.Sessions.ScopesOf(ctx, c, out.Resources)
	if err != nil {
		return "", err
	}
	var granted []string
	for _, s := range scopes(asked) {
		if slices.Contains(allowed, s) && !slices.Contains(granted, s) {
			granted = append(granted, s)
		}
	}
	if !slices.Contains(granted, "openid") {
		return "", oauth(invalidScope, "scope must contain openid")
	}
	// Without a code there is nothing to refresh (OpenID Connect Core section 11).
	if !slices.Contains(c.GrantTypes, grantRefresh) || !givesCode(out.ResponseType) {
		granted = slices.DeleteFunc(granted, func(s string) bool { return s == "offline_access" })
	}
	return strings.Join(granted, " "), nil
}

// codeChallenge accepts S256 only (RFC 7636 section 4.3).
func (p *Provider) codeChallenge(c *storage.Client, q url.Values, responseType string) (string, error) {
	challenge, method := q.Get("code_challenge"), q.Get("code_challenge_method")
	switch {
	case !givesCode(responseType):
		return "", nil
	case challenge == "" && method != "":
		return "", oauth(invalidRequest, "code_challenge_method without code_challenge")
	case challenge == "" && c.PKCEOptional && c.AuthMethod != storage.AuthNone && !p.fapi(c):
		return "", nil
	case challenge == "":
		return "", oauth(invalidRequest, "code_challenge is missing: PKCE with S256 is required")
	case method != "S256":
		return "", oauth(invalidRequest, "code_challenge_method must be S256")
	case !isSHA256(challenge):
		return "", oauth(invalidRequest, "code_challenge must be 43 characters of base64url, as S256 gives")
	}
	return challenge, nil
}

const base64urlAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func prompts(q url.Values, out *session.Params) (silent bool, err error) {
	values := strings.Fields(q.Get("prompt"))
	for _, v := range values {
		switch v {
		case "none":
			silent = true
		case "login":
			out.SignInAnew = true
		case "consent":
			out.AskConsent = true
		case "select_account":
			out.SelectAccount = true
		default:
			return false, oauth(invalidRequest, "prompt must be of none, login, consent, select_account")
		}
	}
	if silent && len(values) > 1 {
		return false, oauth(invalidRequest, "prompt=none can't be combined with others")
	}
	return silent, nil
}

// maxAge asks for a sign-in anew where the latest one is older than max_age. It
// is kept with the request, for sessions that aren't running yet.
func (p *Provider) maxAge(value string, running *storage.SignedIn, out *session.Params) error {
	seconds, err := secondsOf(value)
	if out.MaxAge = seconds; err != nil || seconds == nil || running == nil {
		return err
	}
	proofs, err := session.Decode(running.Session.Proofs)
	if err != nil {
		return err
	}
	if session.TooOld(proofs, time.Duration(*seconds)*time.Second, p.Now()) {
		out.SignInAnew = true
	}
	return nil
}

// hint takes the person of an id_token_hint, which may have expired.
func (p *Provider) hint(ctx context.Context, token string, out *session.Params) error {
	if token == "" {
		return nil
	}
	claims, err := p.verifyOwnIDToken(ctx, token)
	if err != nil {
		return &oauthError{code: invalidRequest, description: "id_token_hint is not an ID token of this provider", cause: err}
	}
	if out.Subject != "" && out.Subject != claims.Subject {
		return oauth(invalidRequest, "id_token_hint and the claims parameter name different people")
	}
	out.Subject = claims.Subject
	return nil
}

// claimRequest is one member of the claims parameter (OpenID Connect Core
// section 5.5.1); max_age, for mfa_time, is ours.
type claimRequest struct {
	Essential bool              `json:"essential"`
	Value     json.RawMessage   `json:"value"`
	Values    []json.RawMessage `json:"values"`
	MaxAge    *int64            `json:"max_age"`
}

func (c *claimRequest) strings() ([]string, error) {
	var out []string
	for _, raw := range append([]json.RawMessage{c.Value}, c.Values...) {
		if len(raw) == 0 {
			continue
		}
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func (p *Provider) claimsParameter(value string, out *session.Params) error {
	if value == "" {
		return nil
	}
	var claims struct {
		IDToken  map[string]json.RawMessage `json:"id_token"`
		Userinfo map[string]json.RawMessage `json:"userinfo"`
	}
	if err := json.Unmarshal([]byte(value), &claims); err != nil {
		return &oauthError{code: invalidRequest, description: "claims must be a JSON object of id_token and userinfo (OpenID Connect Core section 5.5)", cause: err}
	}
	out.IDTokenClaims, out.UserinfoClaims = askedByName(claims.IDToken), askedByName(claims.Userinfo)
	for name, read := range map[string]func(*claimRequest) error{
		"acr":      func(c *claimRequest) error { return acrClaim(c, out) },
		"sub":      func(c *claimRequest) error { return subClaim(c, out) },
		"mfa_time": func(c *claimRequest) error { return mfaTime(c, p.Now(), out) },
	} {
		var c *claimRequest
		if raw, asked := claims.IDToken[name]; asked {
			if err := json.Unmarshal(raw, &c); err != nil {
				return &oauthError{code: invalidRequest, description: "claims: id_token." + name + " must be null or an object (OpenID Connect Core section 5.5.1)", cause: err}
			}
		}
		if c == nil {
			continue
		}
		if err := read(c); err != nil {
			return err
		}
	}
	slices.Sort(out.IDTokenClaims)
	slices.Sort(out.UserinfoClaims)
	return nil
}

// askedByName are the claims asked for. How the others than acr, sub and
// mfa_time are asked for is the same to us, so what isn't understood of it is
// ignored, as section 5.5 wants it.
func askedByName(claims map[string]json.RawMessage) (names []string) {
	for name := range claims {
		names = append(names, name)
	}
	return names
}

func acrClaim(c *claimRequest, out *session.Params) error {
	values, err := c.strings()
	if err != nil {
		return oauth(invalidRequest, "claims: id_token.acr: value and values must be strings")
	}
	out.ACREssential = c.Essential && len(values) > 0
	if len(values) > 0 {
		out.ACRValues = values
	}
	return nil
}

func subClaim(c *claimRequest, out *session.Params) error {
	values, err := c.strings()
	if err != nil {
		return oauth(invalidRequest, "claims: id_token.sub: value and values must be strings")
	}
	if len(values) > 0 {
		out.Subject = values[0]
	}
	return nil
}

// mfaTime demands a second-factor proof not older than max_age seconds;
// without max_age, any.
func mfaTime(c *claimRequest, now time.Time, out *session.Params) error {
	if c.MaxAge == nil && !c.Essential {
		return nil
	}
	out.MFAEssential = c.Essential
	out.MFASince = time.Unix(0, 0).UTC()
	if c.MaxAge != nil {
		if *c.MaxAge < 0 || *c.MaxAge > 1<<31 {
			return oauth(invalidRequest, "claims: id_token.mfa_time.max_age must be a number of seconds")
		}
		out.MFASince = now.Add(-time.Duration(*c.MaxAge) * time.Second)
	}
	return nil
}
