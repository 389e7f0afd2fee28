package idp

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// params checks the parameters of an authorization request but those of
// redirectTarget. in is the running session, whose age max_age is about.
func (p *Provider) params(r *http.Request, c *storage.Client, redirectURI string, q url.Values, in *storage.SignedIn) (out session.Params, silent bool, err error) {
	for name, values := range q {
		if len(values) > 1 {
			return out, false, oauth(invalidRequest, "%s is sent more than once", name)
		}
	}
	out = session.Params{
		RedirectURI: redirectURI, ResponseType: q.Get("response_type"), ResponseMode: q.Get("response_mode"),
		State: q.Get("state"), Nonce: q.Get("nonce"), LoginHint: q.Get("login_hint"), UILocales: strings.Fields(q.Get("ui_locales")),
		ACRValues: strings.Fields(q.Get("acr_values")),
	}
	for _, check := range []func() error{
		func() error { return notSupported(q) },
		func() error { return responseType(c, out) },
		func() (err error) { out.Scope, err = grantedScope(c, q.Get("scope")); return err },
		func() (err error) { out.CodeChallenge, err = codeChallenge(c, q); return err },
		func() (err error) { silent, err = prompts(q, &out); return err },
		func() error { return p.claimsParameter(q.Get("claims"), &out) },
		func() error { return p.maxAge(q.Get("max_age"), in, &out) },
		func() error { return p.hint(r, q.Get("id_token_hint"), &out) },
	} {
		if err := check(); err != nil {
			return out, silent, err
		}
	}
	return out, silent, nil
}

func notSupported(q url.Values) error {
	switch {
	case q.Has("request"):
		return oauth(requestNotSupported, "request objects are not supported: send the parameters themselves")
	case q.Has("request_uri"):
		return oauth(requestURINotSupported, "request_uri is not supported: send the parameters themselves")
	case q.Has("registration"):
		return oauth(registrationUnsupported, "registration is not supported: register the product first")
	}
	return nil
}

// responseType checks response_type and response_mode. Internal clients get no
// code: their response type is none (OAuth 2.0 Multiple Response Types
// section 4).
func responseType(c *storage.Client, out session.Params) error {
	want := "code"
	if c.Internal {
		want = "none"
	}
	if out.ResponseType != want {
		if out.ResponseType == "" {
			return oauth(invalidRequest, "response_type is missing: send response_type=%s", want)
		}
		return oauth(unsupportedResponseType, "response_type must be %s", want)
	}
	if !slices.Contains(responseModes, out.ResponseMode) && out.ResponseMode != "" {
		return oauth(invalidRequest, "response_mode must be one of %s", strings.Join(responseModes, ", "))
	}
	return nil
}

// grantedScope keeps the scopes the client may ask for; unknown ones are
// ignored (OpenID Connect Core section 3.1.2.1).
func grantedScope(c *storage.Client, asked string) (string, error) {
	var granted []string
	for _, s := range scopes(asked) {
		if slices.Contains(c.Scopes, s) && !slices.Contains(granted, s) {
			granted = append(granted, s)
		}
	}
	if !slices.Contains(granted, "openid") {
		return "", oauth(invalidScope, "scope must contain openid")
	}
	if !slices.Contains(c.GrantTypes, "refresh_token") {
		granted = slices.DeleteFunc(granted, func(s string) bool { return s == "offline_access" })
	}
	return strings.Join(granted, " "), nil
}

// codeChallenge accepts S256 only (RFC 7636 section 4.3).
func codeChallenge(c *storage.Client, q url.Values) (string, error) {
	challenge, method := q.Get("code_challenge"), q.Get("code_challenge_method")
	switch {
	case c.Internal:
		return "", nil
	case challenge == "" && method != "":
		return "", oauth(invalidRequest, "code_challenge_method without code_challenge")
	case challenge == "" && c.PKCEOptional && c.AuthMethod != "none":
		return "", nil
	case challenge == "":
		return "", oauth(invalidRequest, "code_challenge is missing: PKCE with S256 is required")
	case method != "S256":
		return "", oauth(invalidRequest, "code_challenge_method must be S256")
	case len(challenge) != 43 || strings.Trim(challenge, base64urlAlphabet) != "":
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

// maxAge asks for a sign-in anew where the latest one is older than max_age
// seconds.
func (p *Provider) maxAge(value string, in *storage.SignedIn, out *session.Params) error {
	if value == "" {
		return nil
	}
	seconds, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return oauth(invalidRequest, "max_age must be a number of seconds")
	}
	if in == nil {
		return nil // whoever signs in now does so within any max_age
	}
	proofs, err := session.Decode(in.Session.Proofs)
	if err != nil {
		return err
	}
	if exceeded(proofs.Assure(nil).AuthTime, time.Duration(seconds)*time.Second, p.Now()) {
		out.SignInAnew = true
	}
	return nil
}

// hint takes the person of an id_token_hint, which may have expired.
func (p *Provider) hint(r *http.Request, token string, out *session.Params) error {
	if token == "" {
		return nil
	}
	claims, err := p.verifyOwnIDToken(r.Context(), token)
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
		IDToken  map[string]*claimRequest `json:"id_token"`
		Userinfo map[string]*claimRequest `json:"userinfo"`
	}
	if err := json.Unmarshal([]byte(value), &claims); err != nil {
		return &oauthError{code: invalidRequest, description: "claims must be a JSON object of id_token and userinfo (OpenID Connect Core section 5.5)", cause: err}
	}
	for name := range claims.Userinfo {
		out.UserinfoClaims = append(out.UserinfoClaims, name)
	}
	for name, c := range claims.IDToken {
		out.IDTokenClaims = append(out.IDTokenClaims, name)
		if c == nil {
			continue
		}
		values, err := c.strings()
		if err != nil && (name == "acr" || name == "sub") {
			return oauth(invalidRequest, "claims: id_token.%s: value and values must be strings", name)
		}
		switch name {
		case "acr":
			out.ACREssential = c.Essential && len(values) > 0
			if len(values) > 0 {
				out.ACRValues = values
			}
		case "sub":
			if len(values) > 0 {
				out.Subject = values[0]
			}
		case "mfa_time":
			if err := mfaTime(c, p.Now(), out); err != nil {
				return err
			}
		}
	}
	slices.Sort(out.IDTokenClaims)
	slices.Sort(out.UserinfoClaims)
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
