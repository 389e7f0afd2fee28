package idp

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
)

// FuzzRequestObjectMembers: whatever members an object has, what comes out are
// parameters that a query could have brought, or an error of RFC 9101.
func FuzzRequestObjectMembers(f *testing.F) {
	for _, seed := range []string{
		`{"client_id":"a","max_age":1,"claims":{"id_token":{"acr":null}},"resource":["https://a","https://b"]}`, `{"max_age":1.5}`, `{"max_age":-0}`,
		`{"max_age":1e3}`, `{"claims":[]}`, `{"claims":null}`, `{"resource":null}`, `{"resource":[null]}`, `{"resource":"x"}`, `{"request":1}`, `{"request_uri":null}`,
		`{"state":"\u0000\ud800"}`, `{"scope":true}`, `{"registration":{}}`, `{"STATE":"x"}`, `{}`, `{"x":{}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var members map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &members) != nil {
			return
		}
		values, err := objectValues(members)
		if err != nil {
			if e, ok := errors.AsType[*oauthError](err); !ok || e.code != invalidRequestObject || e.description == "" {
				t.Fatalf("%v", err)
			}
			return
		}
		for _, name := range []string{"request", "request_uri"} {
			if _, nested := members[name]; nested {
				t.Fatalf("%s was accepted", name)
			}
		}
		for name, all := range values {
			if _, sent := members[name]; !sent || !slices.Contains(parameters, name) || len(all) > 1 && name != "resource" {
				t.Fatalf("%s=%q came of %s", name, all, text)
			}
		}
		if again, err := url.ParseQuery(values.Encode()); err != nil || len(again) > len(values) {
			t.Fatalf("%v, %v", again, err)
		}
	})
}

// FuzzRequestObjectHeader: what isn't a JWT signed by a listed algorithm, of a
// type of ours, is refused before any key is looked for.
func FuzzRequestObjectHeader(f *testing.F) {
	for _, seed := range []string{
		"", ".", "..", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJIUzI1NiJ9.e30.AA", "eyJhbGciOiJFUzI1NiJ9.e30.AA", "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.AA",
		"eyJhbGciOiJFUzI1NiIsImNyaXQiOlsieCJdLCJ4IjoxfQ.e30.AA", "e30.e30.AA", "bnVsbA.e30.AA", `{"payload":"e30","signatures":[]}`,
	} {
		f.Add(seed)
	}
	in := &incoming{client: &storage.Client{ID: "a"}}
	f.Fuzz(func(t *testing.T, token string) {
		err := (&Provider{}).objectHeader(in, token)
		if err == nil && strings.Count(token, ".") != 2 {
			t.Fatalf("%q was taken for a JWT", token)
		}
		if e, ok := errors.AsType[*oauthError](err); err != nil && (!ok || e.code != invalidRequestObject && e.code != requestNotSupported) {
			t.Fatalf("%v", err)
		}
	})
}

// FuzzRedirectAllowed: beside what is registered, only the port of a loopback
// address may differ, and only for a native client.
func FuzzRedirectAllowed(f *testing.F) {
	for _, seed := range []string{
		"http://127.0.0.1/cb", "http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb", "http://127.0.0.1:655350/cb", "http://127.0.0.1:1@evil/cb", "http://127.0.0.1:/cb",
		"http://127.0.0.1.evil/cb", "http://127.0.0.1:80:80/cb", "http://[::1]:7/cb", "http://[::1]evil/cb", "https://127.0.0.1:1/cb", "http://127.0.0.1:1\\@evil/cb", "com.example:/cb",
	} {
		f.Add(seed)
	}
	client := &storage.Client{RedirectURIs: []string{"http://127.0.0.1/cb", "http://[::1]/cb", "com.example:/cb"}}
	native := *client
	native.Native = true
	f.Fuzz(func(t *testing.T, uri string) {
		if redirectAllowed(client, uri) != slices.Contains(client.RedirectURIs, uri) {
			t.Fatalf("%q", uri)
		}
		if !redirectAllowed(&native, uri) || slices.Contains(client.RedirectURIs, uri) {
			return
		}
		u, err := url.Parse(uri)
		if err != nil || u.Scheme != "http" || u.User != nil || u.Port() == "" || u.Host != "127.0.0.1:"+u.Port() && u.Host != "[::1]:"+u.Port() || u.EscapedPath() != "/cb" || u.RawQuery != "" || u.Fragment != "" {
			t.Fatalf("%q was allowed: %v, %v", uri, u, err)
		}
	})
}
