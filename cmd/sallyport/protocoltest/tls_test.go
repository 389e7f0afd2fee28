package protocoltest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/server"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// secured is a provider that speaks TLS itself, at its issuer and at the address
// for certificates.
type secured struct {
	URL, MTLS string
	addr      string
	roots     *x509.CertPool
	t         testing.TB
}

func startSecured(t testing.TB, engine, products string, ca *authority) *secured {
	t.Helper()
	db := storagetest.Open(t, storagetest.URL(t, engine), storage.Options{})
	main, second := servertest.Listen(t), servertest.Listen(t)
	at := func(l net.Listener) string {
		return strings.Replace("https://"+l.Addr().String(), "127.0.0.1", "localhost", 1)
	}
	s := &secured{URL: at(main), MTLS: at(second), addr: main.Addr().String(), roots: x509.NewCertPool(), t: t}
	s.roots.AddCert(ca.cert)
	certFile, keyFile := ca.server()
	conf, err := config.Load(config.Sources{Flags: map[string]string{
		"issuer": s.URL, "tls-cert-file": certFile, "tls-key-file": keyFile, "mtls-url": s.MTLS, "mtls-listen": second.Addr().String(), "mtls-ca-file": ca.file(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	now := servertest.NewClock().Now
	srv, err := server.New(t.Context(), server.Options{Config: conf, DB: db, Now: now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	serve := func(listen func(context.Context, net.Listener, string, string) error, l net.Listener) {
		running.Go(func() {
			if err := listen(ctx, l, certFile, keyFile); err != nil {
				t.Errorf("serve: %v", err)
			}
		})
	}
	serve(srv.Listen, main)
	serve(srv.ListenMTLS, second)
	t.Cleanup(func() { cancel(); running.Wait() })
	f, err := apply.Parse(strings.NewReader(products), "test.yaml")
	if err == nil {
		_, err = apply.Apply(t.Context(), db, f, apply.Options{Now: now()})
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// do sends a request and returns what came back; c is the client's
// certificate, nil for none.
func (s *secured) do(method, address string, form url.Values, c *tls.Certificate) (status int, body servertest.Answer, asked bool) {
	s.t.Helper()
	config := &tls.Config{RootCAs: s.roots, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if asked = true; c == nil {
			return new(tls.Certificate), nil
		}
		return c, nil
	}}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(s.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	body = servertest.Answer{}
	json.Unmarshal(text, &body)
	return resp.StatusCode, body, asked
}

// RFC 8705 section 5: with our own TLS, certificates are asked for at the second
// address alone, and with what clients send between them and the authority.
func TestRFC8705Section5OwnTLS(t *testing.T) {
	ca := newAuthority(t, "Acme Root")
	middle := ca.under("Acme Middle")
	key := newKeyPair(t, "ES256", "")
	cert := middle.client(key, x509.Certificate{Subject: pkix.Name{CommonName: "machine"}})
	whole, leaf := tlsWith(key, cert, middle.cert), tlsWith(key, cert)
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"machine"}}
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := startSecured(t, engine, machineBy("machine", byIssuer+"{subject_dn: CN=machine}"), ca)
			status, tokens, asked := s.do(http.MethodPost, s.MTLS+"/token", form, &whole)
			if status != http.StatusOK || !asked {
				t.Fatalf("%d %v, asked for a certificate: %v", status, tokens, asked)
			}
			status, a, _ := s.do(http.MethodPost, s.MTLS+"/introspect", url.Values{"token": {tokens.String("access_token")}, "client_id": {"machine"}}, &whole)
			if cnf, _ := a["cnf"].(map[string]any); status != http.StatusOK || cnf["x5t#S256"] != x5t(cert) {
				t.Errorf("introspection: %d %v", status, a)
			}
			for name, c := range map[string]*tls.Certificate{"without what is between": &leaf, "none": nil} {
				status, a, asked := s.do(http.MethodPost, s.MTLS+"/token", form, c)
				if !asked {
					t.Errorf("%s: not asked", name)
				}
				mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client")
			}
			status, a, asked = s.do(http.MethodPost, s.URL+"/token", form, &whole)
			mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client")
			if asked {
				t.Error("browsers are asked for certificates")
			}
			// What is for people isn't there.
			for _, path := range []string{"/", "/authorize", "/login", "/account", "/console", "/.well-known/openid-configuration", "/keys"} {
				if status, _, _ := s.do(http.MethodGet, s.MTLS+path, nil, &whole); status != http.StatusNotFound {
					t.Errorf("%s at the second address: %d", path, status)
				}
			}
			if status, _, _ := s.do(http.MethodGet, s.MTLS+"/api/v1/companies", nil, &whole); status != http.StatusUnauthorized {
				t.Errorf("the API at the second address: %d", status)
			}
			status, a, _ = s.do(http.MethodGet, s.URL+"/.well-known/openid-configuration", nil, nil)
			if aliases, _ := a["mtls_endpoint_aliases"].(map[string]any); status != http.StatusOK || aliases["token_endpoint"] != s.MTLS+"/token" {
				t.Errorf("discovery: %d %v", status, a)
			}
		})
	}
}

// RFC 9325 sections 3.1.1 and 4.2: 1.3, and 1.2 with the suites recommended
// there, which are all that FAPI 2.0 Security Profile section 5.2.2 permits; at
// both addresses.
func TestRFC9325Section4_2VersionsAndSuites(t *testing.T) {
	ca := newAuthority(t, "Acme Root")
	s := startSecured(t, storagetest.Engines[0], "products: []", ca)
	for _, address := range []string{s.addr, strings.TrimPrefix(s.MTLS, "https://")} {
		for name, test := range map[string]struct {
			version uint16
			suite   uint16
			works   bool
		}{
			"TLS 1.0":                  {tls.VersionTLS10, 0, false},
			"TLS 1.1":                  {tls.VersionTLS11, 0, false},
			"TLS 1.2, CBC":             {tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, false},
			"TLS 1.2, CBC, 256":        {tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, false},
			"TLS 1.2, CBC with SHA256": {tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, false},
			"TLS 1.2, GCM":             {tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, true},
			"TLS 1.2, GCM, 256":        {tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, true},
			"TLS 1.2, ChaCha20":        {tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, false},
			"TLS 1.3":                  {tls.VersionTLS13, 0, true},
		} {
			config := &tls.Config{RootCAs: s.roots, ServerName: "localhost", MinVersion: test.version, MaxVersion: test.version}
			if test.suite != 0 {
				config.CipherSuites = []uint16{test.suite}
			}
			c, err := tls.Dial("tcp", address, config)
			if (err == nil) != test.works {
				t.Errorf("%s at %s: %v", name, address, err)
			}
			if err == nil {
				if state := c.ConnectionState(); state.Version != test.version || test.suite != 0 && state.CipherSuite != test.suite {
					t.Errorf("%s: %x %x", name, state.Version, state.CipherSuite)
				}
				c.Close()
			}
		}
	}
}
