package session_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/idp/session"
)

func TestCertificateFromAHeader(t *testing.T) {
	der := selfSigned(t)
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	inColons := ":" + base64.StdEncoding.EncodeToString(der) + ":"
	for name, test := range map[string]struct {
		from    string
		values  []string
		is      bool
		problem string
	}{
		"RFC 9440":                    {"10.0.0.1:9", []string{inColons}, true, ""},
		"nginx":                       {"10.0.0.1:9", []string{url.PathEscape(text)}, true, ""},
		"nginx, all escaped":          {"10.0.0.1:9", []string{strings.ReplaceAll(url.QueryEscape(text), "+", "%20")}, true, ""},
		"somebody else":               {"192.0.2.1:9", []string{inColons}, false, ""},
		"somebody else, nginx's form": {"192.0.2.1:9", []string{url.PathEscape(text)}, false, ""},
		"no address":                  {"", []string{inColons}, false, ""},
		"none":                        {"10.0.0.1:9", nil, false, ""},
		"empty, for clients without":  {"10.0.0.1:9", []string{""}, false, ""},
		"twice":                       {"10.0.0.1:9", []string{inColons, inColons}, false, "more than once"},
		"two in one":                  {"10.0.0.1:9", []string{url.PathEscape(text + text)}, false, "neither"},
		"a key":                       {"10.0.0.1:9", []string{url.PathEscape(strings.ReplaceAll(text, "CERTIFICATE", "PUBLIC KEY"))}, false, "neither"},
		"cut off":                     {"10.0.0.1:9", []string{strings.TrimSuffix(inColons, ":")}, false, "no colon"},
		"no base64":                   {"10.0.0.1:9", []string{":%%%:"}, false, "illegal base64"},
		"no certificate":              {"10.0.0.1:9", []string{":AAAA:"}, false, "x509"},
		"no escape":                   {"10.0.0.1:9", []string{"%zz"}, false, "invalid URL escape"},
	} {
		t.Run(name, func(t *testing.T) {
			var got session.Origin
			h := session.TrackOrigin([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, "X-Cert")(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				got = session.OriginOf(r.Context())
			}))
			r := httptest.NewRequest(http.MethodPost, "/token", nil)
			r.RemoteAddr, r.Header["X-Cert"] = test.from, test.values
			h.ServeHTTP(httptest.NewRecorder(), r)
			if (got.Certificate != nil) != test.is {
				t.Errorf("a certificate: %v", got.Certificate != nil)
			}
			if test.is && string(got.Certificate.Raw) != string(der) {
				t.Error("another certificate")
			}
			if p := got.CertificateProblem; (p == nil) != (test.problem == "") || p != nil && !strings.Contains(p.Error(), test.problem) {
				t.Errorf("problem %v, want %q", p, test.problem)
			}
		})
	}
}

// selfSigned is the DER of a certificate.
func selfSigned(t *testing.T) []byte {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"client.example"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
