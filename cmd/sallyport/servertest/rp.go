package servertest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
)

// RP is a relying party that says exactly what a test wants it to, right or
// wrong.
type RP struct {
	*Instance
	ClientID, Secret, RedirectURI string
	// Verifier is the PKCE verifier of requests made by AuthorizeURL.
	Verifier string

	t testing.TB
}

// NewRP is a relying party of an instance.
func NewRP(t testing.TB, i *Instance, clientID, secret, redirectURI string) *RP {
	return &RP{Instance: i, ClientID: clientID, Secret: secret, RedirectURI: redirectURI, Verifier: storage.NewSecret(), t: t}
}

// AuthorizeURL is an authorization request with more parameters, which win;
// an empty one is left out.
func (rp *RP) AuthorizeURL(more url.Values) string {
	sum := sha256.Sum256([]byte(rp.Verifier))
	q := url.Values{
		"client_id": {rp.ClientID}, "redirect_uri": {rp.RedirectURI}, "response_type": {"code"}, "scope": {"openid profile email"},
		"state": {"some state"}, "nonce": {"some nonce"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	for name, values := range more {
		q[name] = values
		if len(values) == 1 && values[0] == "" {
			q.Del(name)
		}
	}
	return rp.URL + "/authorize?" + q.Encode()
}

// Exchange redeems a code, with more parameters that win.
func (rp *RP) Exchange(code string, more url.Values) (int, Answer) {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {rp.RedirectURI}, "code_verifier": {rp.Verifier}}
	return rp.Post("/token", override(form, more))
}

// Refresh uses a refresh token.
func (rp *RP) Refresh(token string, more url.Values) (int, Answer) {
	return rp.Post("/token", override(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}, more))
}

func override(form, more url.Values) url.Values {
	for name, values := range more {
		form[name] = values
		if len(values) == 1 && values[0] == "" {
			form.Del(name)
		}
	}
	return form
}

// Answer is a JSON answer.
type Answer map[string]any

// String is a member that is a string.
func (a Answer) String(name string) string {
	s, _ := a[name].(string)
	return s
}

// Post sends a form to an endpoint with the client's secret by HTTP Basic, or
// the bare client_id where it has none.
func (rp *RP) Post(path string, form url.Values) (int, Answer) {
	rp.t.Helper()
	if rp.Secret == "" && !form.Has("client_id") {
		form.Set("client_id", rp.ClientID)
	}
	req, err := http.NewRequestWithContext(rp.t.Context(), http.MethodPost, rp.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		rp.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if rp.Secret != "" {
		req.SetBasicAuth(url.QueryEscape(rp.ClientID), url.QueryEscape(rp.Secret))
	}
	status, _, a := rp.Do(req)
	return status, a
}

// Do sends a request and reads a JSON answer.
func (rp *RP) Do(req *http.Request) (int, http.Header, Answer) {
	rp.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		rp.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		rp.t.Fatal(err)
	}
	a := Answer{}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &a); err != nil {
			rp.t.Fatalf("%s %s answered %d with no JSON: %s", req.Method, req.URL.Path, resp.StatusCode, body)
		}
	}
	return resp.StatusCode, resp.Header, a
}

// Userinfo asks for the claims of an access token.
func (rp *RP) Userinfo(token string) (int, Answer) {
	rp.t.Helper()
	req, err := http.NewRequestWithContext(rp.t.Context(), http.MethodGet, rp.URL+"/userinfo", nil)
	if err != nil {
		rp.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	status, _, a := rp.Do(req)
	return status, a
}

// Claims reads an ID token without verifying it.
func Claims(t testing.TB, token string) Answer {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %q", token)
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	a := Answer{}
	if err == nil {
		err = json.Unmarshal(body, &a)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Header reads the header of a JWT.
func Header(t testing.TB, token string) Answer {
	t.Helper()
	header, _, _ := strings.Cut(token, ".")
	body, err := base64.RawURLEncoding.DecodeString(header)
	a := Answer{}
	if err == nil {
		err = json.Unmarshal(body, &a)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}
