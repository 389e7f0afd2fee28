package protocoltest_test

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// authority makes certificates.
type authority struct {
	key  keyPair
	cert *x509.Certificate
	t    testing.TB
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	a := &authority{key: newKeyPair(t, "ES256", ""), t: t}
	a.cert = a.make(a.key, a.key, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil)
	return a
}

// under makes an authority that another vouches for.
func (a *authority) under(name string) *authority {
	a.t.Helper()
	below := &authority{key: newKeyPair(a.t, "ES256", ""), t: a.t}
	below.cert = a.make(below.key, a.key, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, a.cert)
	return below
}

// make makes a certificate for a key, signed by another; parent nil: by itself.
func (a *authority) make(of, by keyPair, template, parent *x509.Certificate) *x509.Certificate {
	a.t.Helper()
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	}
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, of.Public(), by.Signer)
	if err != nil {
		a.t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

// client makes a certificate for a client's key.
func (a *authority) client(key keyPair, template x509.Certificate) *x509.Certificate {
	a.t.Helper()
	template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	return a.make(key, a.key, &template, a.cert)
}

// file is the authority's certificate in PEM.
func (a *authority) file() string {
	a.t.Helper()
	return writeFile(a.t, "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
}

// server makes a certificate for localhost, and writes it and its key.
func (a *authority) server() (certFile, keyFile string) {
	a.t.Helper()
	key := newKeyPair(a.t, "ES256", "")
	c := a.make(key, a.key, &x509.Certificate{
		Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, a.cert)
	der, err := x509.MarshalPKCS8PrivateKey(key.Signer)
	if err != nil {
		a.t.Fatal(err)
	}
	return writeFile(a.t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})),
		writeFile(a.t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func writeFile(t testing.TB, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// x5t is the thumbprint of a certificate in tokens.
func x5t(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// inColons and asPEM are how proxies write a certificate into a header.
func inColons(c *x509.Certificate) string {
	return ":" + base64.StdEncoding.EncodeToString(c.Raw) + ":"
}

func asPEM(c *x509.Certificate) string {
	return url.PathEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})))
}

// tlsWith is a client's certificate and key, with those between it and the
// authority.
func tlsWith(key keyPair, chain ...*x509.Certificate) tls.Certificate {
	c := tls.Certificate{PrivateKey: key.Signer}
	for _, link := range chain {
		c.Certificate = append(c.Certificate, link.Raw)
	}
	return c
}
