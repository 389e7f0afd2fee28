package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sallyport": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"health-server":    healthServer,
			"free-address":     freeAddress,
			"mail-server":      mailServer,
			"text-gateway":     textGateway,
			"make-certificate": makeCertificate,
		},
	})
}

// healthServer STATUS [tls] answers /healthz with the status, until the script ends. A redirect leads to a page that is
// there. It sets SALLYPORT_LISTEN; with tls it also writes cert.pem and key.pem.
func healthServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: health-server STATUS [tls]")
	}
	status, err := strconv.Atoi(args[0])
	ts.Check(err)
	routes := http.NewServeMux()
	routes.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		http.Error(w, "the database is gone", status)
	})
	routes.HandleFunc("GET /elsewhere", func(http.ResponseWriter, *http.Request) {})
	server := httptest.NewUnstartedServer(routes)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that hang up are part of the test
	ts.Defer(server.Close)
	if len(args) > 1 {
		server.StartTLS()
		writePair(ts, "cert.pem", "key.pem", server.TLS.Certificates[0])
	} else {
		server.Start()
	}
	ts.Setenv("SALLYPORT_LISTEN", server.Listener.Addr().String())
}

// makeCertificate CERT KEY writes a new certificate and its key to the two files.
func makeCertificate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: make-certificate CERT KEY")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	ts.Check(err)
	writePair(ts, args[0], args[1], tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key})
}

func writePair(ts *testscript.TestScript, certificateFile, keyFile string, pair tls.Certificate) {
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	ts.Check(err)
	for name, block := range map[string]*pem.Block{
		certificateFile: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]},
		keyFile:         {Type: "PRIVATE KEY", Bytes: key},
	} {
		ts.Check(os.WriteFile(ts.MkAbs(name), pem.EncodeToMemory(block), 0o600))
	}
}

// freeAddress NAME sets the variable to an address on loopback where nothing listens.
func freeAddress(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: free-address NAME")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], listener.Addr().String())
	ts.Check(listener.Close())
}
