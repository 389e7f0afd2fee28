package load

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
)

// Product is a confidential relying party that authenticates by
// client_secret_basic. Make one with [NewProduct].
type Product struct {
	ID, RedirectURI string

	basic     string
	authorize string
	verifier  string
}

// state and nonce are the same in every request: what is measured must not
// depend on them.
const (
	state    = "af0ifjsldkj"
	nonce    = "n-0S6_WzA2Mj"
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)

// NewProduct is a product as it was registered, asking for scope.
func NewProduct(id, secret, redirectURI, scope string) *Product {
	sum := sha256.Sum256([]byte(verifier))
	p := &Product{ID: id, RedirectURI: redirectURI, verifier: verifier}
	p.basic = "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
	p.authorize = "/authorize?" + url.Values{
		"client_id": {id}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "scope": {scope}, "state": {state}, "nonce": {nonce},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode()
	return p
}

// Tokens are what a product holds after a sign-in.
type Tokens struct{ Access, Refresh, ID string }

// Authorize comes with a running session and returns the code.
func (p *Product) Authorize(s Sender, b *Browser) (code string, err error) {
	r := get(p.authorize)
	a, err := b.send(s, r)
	if err != nil {
		return "", err
	}
	return p.code(r, a)
}

// Push pushes an authorization request and returns its reference.
func (p *Product) Push(s Sender) (requestURI string, err error) {
	_, query, _ := strings.Cut(p.authorize, "?")
	r := Request{Method: http.MethodPost, Target: "/par", Authorization: p.basic, Form: query}
	a, err := s.Send(r)
	if err != nil {
		return "", err
	}
	if uri := member(a.Body, "request_uri"); a.Status == http.StatusCreated && uri != "" {
		return uri, nil
	}
	return "", wrong(r, a, "201 with a request_uri")
}

// AuthorizePushed is Authorize with a request that was pushed.
func (p *Product) AuthorizePushed(s Sender, b *Browser, requestURI string) (code string, err error) {
	r := get("/authorize?" + url.Values{"client_id": {p.ID}, "request_uri": {requestURI}}.Encode())
	a, err := b.send(s, r)
	if err != nil {
		return "", err
	}
	return p.code(r, a)
}

// code is the code of an answer to the redirect URI.
func (p *Product) code(r Request, a *Answer) (string, error) {
	if query, ok := strings.CutPrefix(a.Location, p.RedirectURI+"?"); ok && a.Status == http.StatusSeeOther {
		q, err := url.ParseQuery(query)
		if err == nil && q.Get("code") != "" && q.Get("state") == state {
			return q.Get("code"), nil
		}
	}
	return "", wrong(r, a, "303 to "+p.RedirectURI+" with a code")
}

// Exchange redeems a code.
func (p *Product) Exchange(s Sender, code string) (Tokens, error) {
	return p.token(s, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {p.RedirectURI}, "code_verifier": {p.verifier}})
}

// Refresh rotates a refresh token.
func (p *Product) Refresh(s Sender, token string) (Tokens, error) {
	t, err := p.token(s, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
	return t, err
}

// ByItself fetches a token by client credentials.
func (p *Product) ByItself(s Sender) error {
	r := post("/token", url.Values{"grant_type": {"client_credentials"}})
	r.Authorization = p.basic
	return expect(s, r, `"access_token":"`)
}

func (p *Product) token(s Sender, form url.Values) (Tokens, error) {
	r := post("/token", form)
	r.Authorization = p.basic
	a, err := s.Send(r)
	if err != nil {
		return Tokens{}, err
	}
	t := Tokens{Access: member(a.Body, "access_token"), Refresh: member(a.Body, "refresh_token"), ID: member(a.Body, "id_token")}
	if a.Status != http.StatusOK || t.Access == "" || strings.Count(t.ID, ".") != 2 {
		return Tokens{}, wrong(r, a, "200 with tokens")
	}
	return t, nil
}

// Userinfo asks for the claims of an access token.
func (p *Product) Userinfo(s Sender, accessToken string) error {
	r := get("/userinfo")
	r.Authorization = "Bearer " + accessToken
	return expect(s, r, `"sub":"`)
}

// Introspect asks whether an access token stands.
func (p *Product) Introspect(s Sender, accessToken string) error {
	r := post("/introspect", url.Values{"token": {accessToken}})
	r.Authorization = p.basic
	return expect(s, r, `"active":true`)
}

// Discovery fetches the provider's metadata.
func Discovery(s Sender) error {
	return expect(s, get("/.well-known/openid-configuration"), `"issuer":"`)
}

// Keys fetches the provider's public keys.
func Keys(s Sender) error { return expect(s, get("/keys"), `"keys":[{`) }

func expect(s Sender, r Request, part string) error {
	a, err := s.Send(r)
	if err == nil && (a.Status != http.StatusOK || !bytes.Contains(a.Body, []byte(part))) {
		err = wrong(r, a, "200 with "+part)
	}
	return err
}

// member is a member of a flat JSON object whose value is a string without
// escapes, as tokens are; empty where there is none.
func member(body []byte, name string) string {
	_, rest, ok := bytes.Cut(body, []byte(`"`+name+`":"`))
	if !ok {
		return ""
	}
	value, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(value)
}
