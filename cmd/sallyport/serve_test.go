package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// serve answers at the issuer's address and, asking for certificates, at that of mtls.listen, and stops at both.
func TestServeAtTwoAddresses(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile, roots := localhost(t, dir)
	first, second := unusedAddress(t), unusedAddress(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	log, stderr := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"serve", "--database-url", "sqlite:" + filepath.Join(dir, "s.db"), "--issuer", "https://" + first, "--listen", first,
			"--mtls-url", "https://" + second, "--mtls-listen", second, "--tls-cert-file", certFile, "--tls-key-file", keyFile}, nil, nil, io.Discard, stderr)
		stderr.Close()
		ended <- err
	}()
	open, lines := make(chan bool), bufio.NewScanner(log)
	go func() {
		defer close(open)
		for lines.Scan() {
			if strings.Contains(lines.Text(), "serving clients with certificates") {
				open <- true
			}
		}
	}()
	if !<-open {
		t.Fatal(<-ended)
	}
	for address, asks := range map[string]bool{first: false, second: true} {
		asked := false
		c, err := tls.Dial("tcp", address, &tls.Config{RootCAs: roots, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked = true
			return new(tls.Certificate), nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		if c.Close(); asked != asks {
			t.Errorf("%s asked for a certificate: %v", address, asked)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, address := range []string{first, second} {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			t.Errorf("%s is still served", address)
		}
	}
}

// unusedAddress is one on localhost where nobody listens.
func unusedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strings.Replace(l.Addr().String(), "127.0.0.1", "localhost", 1)
}

// localhost writes a certificate for localhost and its key.
func localhost(t *testing.T, dir string) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		text := pem.EncodeToMemory(block)
		roots.AppendCertsFromPEM(text)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile, roots
}
