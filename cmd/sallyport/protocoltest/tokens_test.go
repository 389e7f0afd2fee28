package protocoltest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// The APIs of the tests about tokens, and those who call them: shop for people,
// robot for itself.
const (
	orders = "https://orders.example/v1"
	stock  = "https://stock.example"
)

const tokenProducts = `
products:
  - id: orders
    name: Orders
    secret_hash: ${SECRET_HASH}
    id_token_signed_response_alg: ES256
    redirect_uris: ["https://rp.example/callback"]
    roles: [{ id: clerk, name: Clerk, kinds: [staff] }]
    api: { resource: "https://orders.example/v1", scopes: [{ id: "orders:read", name: See orders }, { id: "orders:write", name: Change orders }] }
  - id: stock
    name: Stock
    secret_hash: ${SECRET_HASH}
    redirect_uris: ["https://rp.example/callback"]
    api: { resource: "https://stock.example", scopes: [{ id: "stock:read", name: See what is in stock }] }
  - id: shop
    name: Shop
    first_party: true
    secret_hash: ${SECRET_HASH}
    grant_types: [authorization_code, refresh_token]
    scopes: [openid, profile, email, roles, offline_access]
    redirect_uris: ["https://rp.example/callback"]
    resources: ["https://orders.example/v1", "https://stock.example"]
  - id: robot
    name: Robot
    secret_hash: ${SECRET_HASH}
    grant_types: [client_credentials]
    scopes: ["people:read"]
    resources: ["https://orders.example/v1"]
`

// everything is what shop asks for in most tests.
const everything = "openid email roles orders:read orders:write stock:read"

// forOrders asks for a token for one API.
func forOrders(more ...string) url.Values {
	v := url.Values{"resource": {orders}, "scope": {everything}}
	for i := 0; i+1 < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return v
}

// fetchedKeys is the key set of the provider.
func fetchedKeys(t testing.TB, w *world) (keys jose.JSONWebKeySet) {
	t.Helper()
	resp, err := http.Get(w.URL + "/keys")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&keys); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("keys: %d %v", resp.StatusCode, err)
	}
	return keys
}

// signedWith verifies a JWT by the key of its kid, and returns its header and
// its claims.
func signedWith(t testing.TB, keys jose.JSONWebKeySet, token string) (header jose.Header, claims servertest.Answer) {
	t.Helper()
	parsed, err := jose.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.PS256, jose.EdDSA})
	if err != nil {
		t.Fatalf("no JWT: %v: %q", err, token)
	}
	header = parsed.Signatures[0].Header
	known := keys.Key(header.KeyID)
	if len(known) != 1 || known[0].Algorithm != header.Algorithm {
		t.Fatalf("%d keys are known by %s (%s)", len(known), header.KeyID, header.Algorithm)
	}
	body, err := parsed.Verify(known[0].Key)
	if err == nil {
		err = json.Unmarshal(body, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return header, claims
}

// read is signedWith for the present keys, where the type must be typ.
func (w *world) read(t testing.TB, token, typ string) servertest.Answer {
	t.Helper()
	header, claims := signedWith(t, fetchedKeys(t, w), token)
	if got := header.ExtraHeaders[jose.HeaderType]; got != typ {
		t.Errorf("typ is %v, not %s", got, typ)
	}
	return claims
}

// plain sends a request that isn't answered with JSON.
func plain(t testing.TB, req *http.Request) (int, http.Header, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

// formOf is a form to an endpoint with the secret of rp.
func formOf(t testing.TB, rp *servertest.RP, path string, form url.Values) *http.Request {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, rp.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(rp.ClientID), url.QueryEscape(rp.Secret))
	return req
}

// introspected is what a client learns of a token.
func introspected(t testing.TB, by *servertest.RP, token string) servertest.Answer {
	t.Helper()
	status, a := by.Post("/introspect", url.Values{"token": {token}})
	if status != http.StatusOK || a["active"] == nil {
		t.Fatalf("introspection by %s: %d %v", by.ClientID, status, a)
	}
	if a["active"] == false && len(a) != 1 {
		t.Fatalf("inactive, and yet it says more: %v", a)
	}
	return a
}

// mustActive fails unless a client learns that a token is active, or isn't.
func mustActive(t testing.TB, by *servertest.RP, token string, want bool) {
	t.Helper()
	if a := introspected(t, by, token); a["active"] != want {
		t.Errorf("%s learns of a token that is active: %v, not %v", by.ClientID, a["active"], want)
	}
}

// byItself asks for a token by client credentials.
func byItself(rp *servertest.RP, more url.Values) (int, servertest.Answer) {
	more.Set("grant_type", "client_credentials")
	return rp.Post("/token", more)
}

// put changes a registered product.
func (w *world) put(t testing.TB, id string, change func(c *storage.Client)) {
	t.Helper()
	w.change(t, func(tx *storage.Tx) error {
		c, err := tx.Client(t.Context(), id)
		if err != nil {
			return err
		}
		change(c)
		return tx.PutClient(t.Context(), *c, w.Clock.Now())
	})
}

// signedOut ends the session of a browser.
func (w *world) signedOut(t testing.TB, p *servertest.Person) {
	t.Helper()
	p.Go(w.URL + "/logout").Submit(map[string]string{"logout": "1"})
}

// later moves the clock.
func (w *world) later(d time.Duration) { w.Clock.Advance(d) }

// twoFactors has somebody who is signed in set up an authenticator app and use
// it, and returns its key; the session is then worth two factors.
func (w *world) twoFactors(t testing.TB, p *servertest.Person) (key string) {
	t.Helper()
	p.Go(w.rp(t, "first").AuthorizeURL(url.Values{"acr_values": {"urn:sallyport:acr:2fa"}}))
	p.MustBeAt("/login/why").Submit(map[string]string{"set_up": "1"})
	p.MustBeAt("/login/set-up").Submit(map[string]string{"method": "totp"})
	key = p.MustBeAt("/login/set-up/scan").All("#key")[0]
	p.Follow("/login/set-up/code").Submit(map[string]string{"code": servertest.Code(t, key, w.Clock.Now())})
	p.MustBeAt("/login/backup-codes").Submit(map[string]string{"saved": "yes"})
	signIn(p, ana)
	w.later(30 * time.Second)
	p.Submit(map[string]string{"code": servertest.Code(t, key, w.Clock.Now())})
	if p.URL.Query().Get("code") == "" {
		t.Fatalf("not signed in by two factors: %s\n%s", p.URL, p.Text())
	}
	return key
}
