package servertest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// Caller calls the JSON API with an access token.
type Caller struct {
	Token string

	i *Instance
	t testing.TB
}

// Called is an answer of the API.
type Called struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON is the body, an object.
func (c *Called) JSON(t testing.TB) Answer {
	t.Helper()
	a := Answer{}
	if err := json.Unmarshal(c.Body, &a); err != nil {
		t.Fatalf("%d, with no JSON: %s", c.Status, c.Body)
	}
	return a
}

// NewCaller calls with a token, or without one where it is empty.
func (i *Instance) NewCaller(t testing.TB, token string) *Caller {
	return &Caller{Token: token, i: i, t: t}
}

// Do calls the API. body is sent as JSON unless it is nil or []byte, which is
// sent as it is; headers are pairs of name and value that win.
func (c *Caller) Do(method, path string, body any, headers ...string) *Called {
	c.t.Helper()
	var sent io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		sent = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			c.t.Fatal(err)
		}
		sent = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.i.URL+"/api/v1"+path, sent)
	if err != nil {
		c.t.Fatal(err)
	}
	if sent != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	for n := 0; n+1 < len(headers); n += 2 {
		req.Header.Set(headers[n], headers[n+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return &Called{resp.StatusCode, resp.Header, text}
}

// Must is Do where the answer must have a status; it returns the body, empty
// where there is none.
func (c *Caller) Must(status int, method, path string, body any, headers ...string) Answer {
	c.t.Helper()
	out := c.Do(method, path, body, headers...)
	if out.Status != status {
		c.t.Fatalf("%s %s: %d, not %d: %s", method, path, out.Status, status, out.Body)
	}
	if len(out.Body) == 0 {
		return nil
	}
	return out.JSON(c.t)
}

// APISecret is that of the tool and of all machines.
const APISecret = "a secret of an API client, for tests"

// MachineID registers an API client of a company ("": of the operator) with
// scopes, and returns its client id.
func (i *Instance) MachineID(t testing.TB, company string, scopes ...string) string {
	t.Helper()
	id := "machine-" + strings.ToLower(strings.NewReplacer(":", "-", "_", "-").Replace(strings.Join(append([]string{company}, scopes...), "-")))
	if len(id) > 60 {
		id = id[:50] + strings.ToLower(strings.Trim(strings.ReplaceAll(storage.Hash(id)[:9], "_", "x"), "-"))
	}
	more := ""
	if company != "" {
		more = ", company: " + company
	}
	i.Apply(`products: [{ id: "` + id + `", name: Machine, secret_hash: "` + storage.Hash(APISecret) + `", grant_types: [client_credentials], scopes: ["` +
		strings.Join(scopes, `", "`) + `"]` + more + ` }]`)
	return id
}

// Machine calls with a token of an API client of a company ("": of the
// operator) with scopes.
func (i *Instance) Machine(t testing.TB, company string, scopes ...string) *Caller {
	t.Helper()
	status, a := NewRP(t, i, i.MachineID(t, company, scopes...), APISecret, "").Post("/token", url.Values{"grant_type": {"client_credentials"}})
	if status != http.StatusOK {
		t.Fatalf("no token for a machine: %d %v", status, a)
	}
	return i.NewCaller(t, a.String("access_token"))
}

// Tool is the product by which people call the API, and ToolSite where it
// lives: nothing listens there.
const (
	Tool     = "admin-tool"
	ToolSite = "https://tool.example"
)

// Administrator is a person who uses the API: signed in with two factors, in a
// browser of their own.
type Administrator struct {
	*Person
	rp  *RP
	i   *Instance
	key string
	t   testing.TB
}

// Administrator registers the tool and signs a person of the demo in with two
// factors, of which they set up the second.
func (i *Instance) Administrator(t testing.TB, email string) *Administrator {
	t.Helper()
	i.RegisterTool()
	a := &Administrator{Person: NewPerson(t, ToolSite), rp: NewRP(t, i, Tool, APISecret, ToolSite+"/callback"), i: i, t: t}
	a.Go(a.rp.AuthorizeURL(url.Values{"claims": {twoFactors}}))
	a.signIn(email)
	a.MustBeAt("/login/why").Submit(map[string]string{"set_up": "1"})
	a.MustBeAt("/login/set-up").Submit(map[string]string{"method": "totp"})
	a.key = strings.ReplaceAll(a.MustBeAt("/login/set-up/scan").All("#key")[0], " ", "")
	a.Follow("/login/set-up/code")
	a.Submit(map[string]string{"code": Code(t, a.key, i.Clock.Now())})
	a.MustBeAt("/login/backup-codes").Submit(map[string]string{"saved": "yes"})
	a.signIn(email)
	a.enterCode()
	a.code()
	return a
}

const twoFactors = `{"id_token":{"acr":{"essential":true,"value":"urn:sallyport:acr:2fa"}}}`

// RegisterTool registers the product by which people call the API.
func (i *Instance) RegisterTool() {
	i.Apply(`products: [{ id: ` + Tool + `, name: Tool, first_party: true, secret_hash: "` + storage.Hash(APISecret) + `", redirect_uris: ["` + ToolSite +
		`/callback"], scopes: [openid, "` + strings.Join(session.AdminScopes(), `", "`) + `"] }]`)
}

func (a *Administrator) signIn(email string) {
	a.t.Helper()
	a.Submit(map[string]string{"username": email, "password": demo.Password})
}

// enterCode answers the page that asks for a code, after the next one began.
func (a *Administrator) enterCode() {
	a.t.Helper()
	a.i.Clock.Advance(30 * time.Second)
	a.Submit(map[string]string{"code": Code(a.t, a.key, a.i.Clock.Now())})
}

// code is what the tool was answered.
func (a *Administrator) code() string {
	a.t.Helper()
	code := a.URL.Query().Get("code")
	if !strings.HasPrefix(a.URL.String(), ToolSite) || code == "" {
		a.t.Fatalf("the tool got no code: at %s (%d)\n%s", a.URL, a.Status, a.Text())
	}
	return code
}

// Caller calls with a new token that has scopes; none: all there are.
func (a *Administrator) Caller(scopes ...string) *Caller {
	a.t.Helper()
	if len(scopes) == 0 {
		scopes = session.AdminScopes()
	}
	return a.redeem(url.Values{"scope": {"openid " + strings.Join(scopes, " ")}})
}

// ProveAnew proves the second factor once more.
func (a *Administrator) ProveAnew() {
	a.t.Helper()
	a.Go(a.rp.AuthorizeURL(url.Values{"acr_values": {policy.TwoFactors.ACR()}, "max_age": {"0"}}))
	a.Submit(map[string]string{"password": demo.Password})
	a.enterCode()
	a.code()
}

// NoScope calls with a token that has no scope of the API.
func (a *Administrator) NoScope() *Caller {
	a.t.Helper()
	return a.redeem(nil)
}

func (a *Administrator) redeem(more url.Values) *Caller {
	a.t.Helper()
	a.Go(a.rp.AuthorizeURL(more))
	status, tokens := a.rp.Exchange(a.code(), nil)
	if status != http.StatusOK {
		a.t.Fatalf("no token: %d %v", status, tokens)
	}
	return a.i.NewCaller(a.t, tokens.String("access_token"))
}

// ToolToken is a token of the tool for a person in a browser, who signs in on
// the way.
func (i *Instance) ToolToken(t testing.TB, p *Person, signIn func()) string {
	t.Helper()
	a := &Administrator{Person: p, rp: NewRP(t, i, Tool, APISecret, ToolSite+"/callback"), i: i, t: t}
	p.Go(a.rp.AuthorizeURL(url.Values{"scope": {"openid " + strings.Join(session.AdminScopes(), " ")}}))
	signIn()
	status, tokens := a.rp.Exchange(a.code(), nil)
	if status != http.StatusOK {
		t.Fatalf("no token: %d %v", status, tokens)
	}
	return tokens.String("access_token")
}

// Redeemable is a code for the tool, with scopes, and the verifier that goes
// with it, as CODE and VERIFIER.
func (a *Administrator) Redeemable(scopes ...string) map[string]string {
	a.t.Helper()
	a.Go(a.rp.AuthorizeURL(url.Values{"scope": {"openid " + strings.Join(scopes, " ")}}))
	return map[string]string{"CODE": a.code(), "VERIFIER": a.rp.Verifier}
}
