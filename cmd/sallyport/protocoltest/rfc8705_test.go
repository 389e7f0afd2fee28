package protocoltest_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// proxied are the options by which a proxy passes certificates on, from
// loopback.
func proxied(ca string) []string {
	options := []string{"mtls-url=https://mtls.example", "mtls-header=Client-Cert", "trusted-proxies=127.0.0.0/8,::1/128"}
	if ca != "" {
		options = append(options, "mtls-ca-file="+ca)
	}
	return options
}

// with asks for a token of a client's own, with a certificate in the header;
// "": without one.
func (w *world) with(t testing.TB, id, certificate string) (int, servertest.Answer) {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}}
	if certificate == "" {
		return w.call(t, "/token", form)
	}
	return w.call(t, "/token", form, "Client-Cert", certificate)
}

const byIssuer = "auth_method: tls_client_auth\n    tls_client: "

// RFC 8705 section 2.1.2: the subject is the registered one, in one of five
// ways, and somebody the operator trusts says so.
func TestRFC8705Section2_1_2Subjects(t *testing.T) {
	ca, stranger := newAuthority(t, "Acme Root"), newAuthority(t, "Acme Root")
	key := newKeyPair(t, "ES256", "")
	uri, err := url.Parse("spiffe://acme.example/machine")
	if err != nil {
		t.Fatal(err)
	}
	template := func() x509.Certificate {
		return x509.Certificate{
			Subject:  pkix.Name{Country: []string{"CH"}, Organization: []string{"Acme AG"}, CommonName: "machine"},
			DNSNames: []string{"machine.acme.example"}, URIs: []*url.URL{uri}, IPAddresses: []net.IP{net.ParseIP("192.0.2.7")}, EmailAddresses: []string{"Machine@acme.example"},
		}
	}
	good := ca.client(key, template())
	products := "\nproducts:"
	subjects := map[string]string{
		"dn":    `{subject_dn: "CN=Machine,O=Acme AG,C=CH"}`,
		"dns":   "{san_dns: Machine.acme.example}",
		"uri":   `{san_uri: "spiffe://acme.example/machine"}`,
		"ip":    "{san_ip: 192.0.2.7}",
		"email": "{san_email: Machine@ACME.example}",
	}
	others := map[string]string{
		"dn":    `{subject_dn: "CN=Machine,O=Acme,C=CH"}`,
		"dns":   "{san_dns: acme.example}",
		"uri":   `{san_uri: "spiffe://acme.example/machine2"}`,
		"ip":    "{san_ip: 192.0.2.8}",
		"email": "{san_email: machine@acme.example}",
	}
	for id := range subjects {
		products += strings.TrimPrefix(machineBy(id, byIssuer+subjects[id]), "\nproducts:") + strings.TrimPrefix(machineBy("other-"+id, byIssuer+others[id]), "\nproducts:")
	}
	both(t, products, func(t *testing.T, w *world) {
		for id := range subjects {
			for _, c := range []string{inColons(good), asPEM(good)} {
				if status, a := w.with(t, id, c); status != http.StatusOK || a.String("token_type") != "Bearer" {
					t.Errorf("%s: %d %v", id, status, a)
				}
			}
			status, a := w.with(t, "other-"+id, inColons(good))
			t.Run("another "+id, func(t *testing.T) { mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client") })
		}
		expired, early, forServers := template(), template(), template()
		expired.NotBefore, expired.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
		early.NotBefore, early.NotAfter = time.Now().Add(24*time.Hour), time.Now().Add(48*time.Hour)
		forServers.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		plain := template()
		for name, c := range map[string]string{
			"none":                 "",
			"no certificate":       "x",
			"by a stranger":        inColons(stranger.client(key, template())),
			"by itself":            inColons(ca.make(key, key, &plain, nil)),
			"expired":              inColons(ca.client(key, expired)),
			"not valid yet":        inColons(ca.client(key, early)),
			"only for servers":     inColons(ca.make(key, ca.key, &forServers, ca.cert)),
			"of an unknown middle": inColons(ca.under("Middle").client(key, template())),
		} {
			status, a := w.with(t, "dn", c)
			t.Run(name, func(t *testing.T) { mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client") })
		}
		if !strings.Contains(w.Log.String(), `CN=machine,O=Acme AG,C=CH`) {
			t.Error("the log doesn't say whose certificate it was")
		}
		// A secret is no way in beside it.
		status, a := w.call(t, "/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"dn"}, "client_secret": {secret}}, "Client-Cert", inColons(good))
		mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client")
	}, proxied(ca.file())...)
}

// RFC 8705 section 2.2: the key is a registered one, whoever signed the
// certificate.
func TestRFC8705Section2_2SelfSigned(t *testing.T) {
	key, other, next := newKeyPair(t, "ES256", "a"), newKeyPair(t, "RS256", "b"), newKeyPair(t, "EdDSA", "c")
	ca := newAuthority(t, "anybody")
	byItself := func(k keyPair) string {
		return inColons(ca.make(k, k, &x509.Certificate{Subject: pkix.Name{CommonName: "machine"}}, nil))
	}
	both(t, machineBy("machine", "auth_method: self_signed_tls_client_auth\n    jwks: "+jwksOf(t, key, other)), func(t *testing.T, w *world) {
		for name, c := range map[string]string{
			"its key": byItself(key), "its other key": byItself(other), "the same key anew": byItself(key), "signed by others": inColons(ca.client(key, x509.Certificate{})),
		} {
			if status, a := w.with(t, "machine", c); status != http.StatusOK {
				t.Errorf("%s: %d %v", name, status, a)
			}
		}
		for _, c := range []string{byItself(next), ""} {
			status, a := w.with(t, "machine", c)
			mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client")
		}
		keys := servertest.Serve(t, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.Write([]byte(jwksOf(t, next))) }))
		w.set(t, "machine", func(c *storage.Client) { c.JWKS, c.JWKSURI = nil, keys })
		if status, a := w.with(t, "machine", byItself(next)); status != http.StatusOK {
			t.Errorf("by jwks_uri: %d %v", status, a)
		}
	}, proxied("")...)
}

// RFC 8705 section 6.5 and RFC 9440 section 4: a header that no trusted proxy
// wrote says nothing.
func TestRFC9440Section4HeaderOfStrangers(t *testing.T) {
	key := newKeyPair(t, "ES256", "a")
	c := inColons(newAuthority(t, "anybody").client(key, x509.Certificate{}))
	product := machineBy("machine", "auth_method: self_signed_tls_client_auth\n    jwks: "+jwksOf(t, key))
	for name, options := range map[string][]string{
		"another network": {"mtls-url=https://mtls.example", "mtls-header=Client-Cert", "trusted-proxies=192.0.2.0/24"},
		"another header":  {"mtls-url=https://mtls.example", "mtls-header=X-Cert", "trusted-proxies=127.0.0.0/8,::1/128"},
		"not configured":  {"trusted-proxies=127.0.0.0/8,::1/128"},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, product, func(t *testing.T, w *world) {
				status, a := w.with(t, "machine", c)
				mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client")
			}, options...)
		})
	}
}

// RFC 8705 section 3: tokens are good with the certificate alone that they were
// given out to, opaque ones and JWTs, at userinfo and at the API; introspection
// names it.
func TestRFC8705Section3BoundTokens(t *testing.T) {
	key := newKeyPair(t, "ES256", "a")
	ca := newAuthority(t, "anybody")
	cert, other := ca.client(key, x509.Certificate{}), ca.client(newKeyPair(t, "ES256", ""), x509.Certificate{})
	products := `
products:
  - id: bound
    name: Bound
    first_party: true
    secret_hash: ${SECRET_HASH}
    tls_client_certificate_bound_access_tokens: true
    grant_types: [authorization_code, refresh_token]
    scopes: [openid, profile, email, offline_access, people:read]
    redirect_uris: ["https://rp.example/callback"]
` + strings.TrimPrefix(machineBy("machine", "auth_method: self_signed_tls_client_auth\n    jwks: "+jwksOf(t, key)), "\nproducts:")
	both(t, products, func(t *testing.T, w *world) {
		rp := w.rp(t, "bound")
		exchange := func(code string, header ...string) (int, servertest.Answer) {
			form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {rp.Verifier},
				"client_id": {"bound"}, "client_secret": {secret}}
			return w.call(t, "/token", form, append(header, "Authorization", "")...)
		}
		w.set(t, "bound", func(c *storage.Client) { c.AuthMethod = storage.ClientSecretPost })
		person := w.member(t, ana)
		scope := url.Values{"scope": {"openid email offline_access"}}

		status, a := exchange(codeFor(t, person, rp, scope))
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
		if !strings.Contains(a.String("error_description"), "https://mtls.example") {
			t.Errorf("it isn't said where to present a certificate: %v", a)
		}
		status, tokens := exchange(codeFor(t, person, rp, scope), "Client-Cert", inColons(cert))
		if status != http.StatusOK || tokens.String("token_type") != "Bearer" || tokens.String("refresh_token") == "" {
			t.Fatalf("%d %v", status, tokens)
		}
		userinfo := func(token string, header ...string) int {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+"/userinfo", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+token)
			for n := 0; n+1 < len(header); n += 2 {
				req.Header.Set(header[n], header[n+1])
			}
			status, _, _ := rp.Do(req)
			return status
		}
		token := tokens.String("access_token")
		if s := userinfo(token, "Client-Cert", inColons(cert)); s != http.StatusOK {
			t.Errorf("userinfo with the certificate: %d", s)
		}
		if s := userinfo(token); s != http.StatusUnauthorized {
			t.Errorf("userinfo without a certificate: %d", s)
		}
		if s := userinfo(token, "Client-Cert", inColons(other)); s != http.StatusUnauthorized {
			t.Errorf("userinfo with another certificate: %d", s)
		}
		status, a = w.call(t, "/introspect", url.Values{"token": {token}, "client_id": {"bound"}, "client_secret": {secret}})
		cnf, _ := a["cnf"].(map[string]any)
		if status != http.StatusOK || a["active"] != true || cnf["x5t#S256"] != x5t(cert) {
			t.Errorf("introspection: %d %v", status, a)
		}
		// A confidential client may change its certificate (section 4 is about
		// public ones), but not do without.
		refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.String("refresh_token")}, "client_id": {"bound"}, "client_secret": {secret}}
		status, a = w.call(t, "/token", refresh)
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
		status, a = w.call(t, "/token", refresh, "Client-Cert", inColons(other))
		if status != http.StatusOK || userinfo(a.String("access_token"), "Client-Cert", inColons(other)) != http.StatusOK {
			t.Errorf("refresh: %d %v", status, a)
		}

		// Whoever authenticates by certificate gets bound tokens without asking.
		status, a = w.with(t, "machine", inColons(cert))
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, a)
		}
		people := func(header ...string) int {
			return w.NewCaller(t, a.String("access_token")).Do(http.MethodGet, "/companies/acme/people", nil, header...).Status
		}
		if s := people("Client-Cert", inColons(cert)); s != http.StatusOK {
			t.Errorf("the API with the certificate: %d", s)
		}
		if s := people(); s != http.StatusUnauthorized {
			t.Errorf("the API without: %d", s)
		}
		if s := people("Client-Cert", inColons(other)); s != http.StatusUnauthorized {
			t.Errorf("the API with another: %d", s)
		}
	}, proxied("")...)
}

// RFC 8705 section 4: a public client's refresh token is bound as well.
func TestRFC8705Section4PublicClients(t *testing.T) {
	ca := newAuthority(t, "anybody")
	cert, other := ca.client(newKeyPair(t, "ES256", ""), x509.Certificate{}), ca.client(newKeyPair(t, "ES256", ""), x509.Certificate{})
	both(t, `
products:
  - id: app
    name: App
    first_party: true
    auth_method: none
    tls_client_certificate_bound_access_tokens: true
    grant_types: [authorization_code, refresh_token]
    scopes: [openid, offline_access]
    redirect_uris: ["https://rp.example/callback"]
`, func(t *testing.T, w *world) {
		rp := servertest.NewRP(t, w.Instance, "app", "", callback)
		code := codeFor(t, w.member(t, ana), rp, url.Values{"scope": {"openid offline_access"}})
		form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {rp.Verifier}, "client_id": {"app"}}
		status, tokens := w.call(t, "/token", form, "Client-Cert", inColons(cert))
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, tokens)
		}
		refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.String("refresh_token")}, "client_id": {"app"}}
		status, a := w.call(t, "/token", refresh, "Client-Cert", inColons(other))
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_grant")
		if status, a = w.call(t, "/token", refresh, "Client-Cert", inColons(cert)); status != http.StatusOK {
			t.Errorf("%d %v", status, a)
		}
	}, proxied("")...)
}

// RFC 8705 sections 3.3 and 5: discovery says what is served, and where.
func TestRFC8705Section5Discovery(t *testing.T) {
	ca := newAuthority(t, "anybody")
	document := func(t *testing.T, w *world) servertest.Answer {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+"/.well-known/oauth-authorization-server", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _, a := w.rp(t, "first").Do(req)
		return a
	}
	has := func(list any, v string) bool {
		all, _ := list.([]any)
		for _, one := range all {
			if one == v {
				return true
			}
		}
		return false
	}
	for name, test := range map[string]struct {
		options            []string
		bound, issued, own bool
	}{
		"not configured":      {nil, false, false, false},
		"with authorities":    {proxied(ca.file()), true, true, true},
		"without authorities": {proxied(""), true, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, "", func(t *testing.T, w *world) {
				a := document(t, w)
				if bound, _ := a["tls_client_certificate_bound_access_tokens"].(bool); bound != test.bound {
					t.Errorf("bound: %v", bound)
				}
				for _, endpoint := range []string{"token", "revocation", "introspection"} {
					methods := a[endpoint+"_endpoint_auth_methods_supported"]
					if has(methods, "tls_client_auth") != test.issued || has(methods, "self_signed_tls_client_auth") != test.own || !has(methods, "private_key_jwt") || !has(methods, "client_secret_jwt") {
						t.Errorf("%s: %v", endpoint, methods)
					}
					algs := a[endpoint+"_endpoint_auth_signing_alg_values_supported"]
					if !has(algs, "PS256") || !has(algs, "HS256") || has(algs, "none") {
						t.Errorf("%s: %v", endpoint, algs)
					}
				}
				aliases, _ := a["mtls_endpoint_aliases"].(map[string]any)
				if (aliases != nil) != test.bound {
					t.Fatalf("aliases: %v", aliases)
				}
				for _, endpoint := range []string{"token", "revocation", "introspection", "pushed_authorization_request", "device_authorization", "userinfo"} {
					path := strings.TrimPrefix(a.String(endpoint+"_endpoint"), w.URL)
					if test.bound && aliases[endpoint+"_endpoint"] != "https://mtls.example"+path {
						t.Errorf("%s: %v", endpoint, aliases[endpoint+"_endpoint"])
					}
				}
			}, test.options...)
		})
	}
}
