package idp

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
)

// An object without a signature is taken from a registered https address, of
// clients that aren't registered to sign, and counts as unsigned.
func TestUnsignedRequestObject(t *testing.T) {
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	good := map[string]any{"client_id": "a", "scope": "openid", "state": "inside"}
	of := func(more map[string]any) string {
		all := maps.Clone(good)
		maps.Copy(all, more)
		body, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString(body) + "."
	}
	encoded := func(text string) string {
		return "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString([]byte(text)) + "."
	}
	none := func(*storage.Client) {}
	for name, c := range map[string]struct {
		object string
		client func(*storage.Client)
		plain  bool
		code   string
	}{
		"good":                {of(nil), none, false, ""},
		"alg none":            {of(nil), func(c *storage.Client) { c.RequestObjectAlg = "none" }, false, ""},
		"with iss and aud":    {of(map[string]any{"iss": "a", "aud": "https://op.example"}), none, false, ""},
		"of http":             {of(nil), none, true, requestNotSupported},
		"registered to sign":  {of(nil), func(c *storage.Client) { c.RequestObjectAlg = "ES256" }, false, requestNotSupported},
		"must sign":           {of(nil), func(c *storage.Client) { c.RequireSignedRequest = true }, false, requestNotSupported},
		"another's":           {of(map[string]any{"client_id": "b"}), none, false, invalidRequestObject},
		"iss another":         {of(map[string]any{"iss": "b"}), none, false, invalidRequestObject},
		"aud another":         {of(map[string]any{"aud": "https://else.example"}), none, false, invalidRequestObject},
		"expired":             {of(map[string]any{"exp": now.Unix()}), none, false, invalidRequestObject},
		"a reference inside":  {of(map[string]any{"request_uri": "https://a.example"}), none, false, invalidRequestObject},
		"with a signature":    {of(nil) + "AA", none, false, invalidRequestObject},
		"two parts":           {"eyJhbGciOiJub25lIn0.e30", none, false, invalidRequestObject},
		"no object":           {encoded("[]"), none, false, invalidRequestObject},
		"a member twice":      {encoded(`{"client_id":"b","client_id":"a"}`), none, false, invalidRequestObject},
		"another's by letter": {encoded(`{"CLIENT_ID":"a"}`), none, false, invalidRequestObject},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(c.object)) })
			server := httptest.NewTLSServer(h)
			if c.plain {
				server = httptest.NewServer(h)
			}
			defer server.Close()
			p := &Provider{Issuer: "https://op.example", Outbound: server.Client(), OutboundPrivate: true, Now: func() time.Time { return now }}
			client := storage.Client{ID: "a"}
			client.RequestURIs = []string{server.URL}
			c.client(&client)
			in := &incoming{client: &client, values: url.Values{"client_id": {"a"}, "request_uri": {server.URL}, "state": {"outside"}}}
			err := p.takeReferred(t.Context(), in)
			if c.code == "" {
				if err != nil || in.signed || in.values.Get("state") != "inside" {
					t.Fatalf("%v, %v", in, err)
				}
				return
			}
			if e, ok := errors.AsType[*oauthError](err); !ok || e.code != c.code {
				t.Fatalf("want %s, got %v", c.code, err)
			}
		})
	}
}

// http is called only where private addresses are allowed.
func TestRequestObjectByHTTPS(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was fetched") }))
	defer server.Close()
	p := &Provider{Outbound: server.Client()}
	client := &storage.Client{ID: "a"}
	client.RequestURIs = []string{server.URL}
	in := &incoming{client: client, values: url.Values{"request_uri": {server.URL}}}
	if e, ok := errors.AsType[*oauthError](p.takeReferred(t.Context(), in)); !ok || e.code != invalidRequestURI {
		t.Fatalf("%v", e)
	}
}

// The FAPI profile holds where this provider demands of all that they push.
func TestFAPIByTheProvider(t *testing.T) {
	c := &storage.Client{AuthMethod: storage.PrivateKeyJWT}
	c.DPoPBound = true
	p := &Provider{}
	if p.fapi(c) || len(p.objectAlgs(c)) != len(asymmetric) {
		t.Error("a client that needn't push is held to it")
	}
	p.RequirePAR = true
	if !p.fapi(c) || len(p.objectAlgs(c)) != len(fapiAlgorithms) || len(p.assertionAlgorithms(c, asymmetric)) != len(fapiAlgorithms) {
		t.Error("a client that must push isn't held to it")
	}
}
