package config

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
)

// MTLS is about products that come with a TLS certificate (RFC 8705). They call a second address, because a server that
// asks for certificates makes browsers ask people for one.
type MTLS struct {
	// URL is an origin like Issuer, with https. It is Issuer only where a proxy gives the certificates and no browser comes.
	URL string `name:"url" type:"option" placeholder:"URL" help:"Address at which products present TLS certificates, such as https://mtls.id.example.com. Without it: certificates are not looked at."`

	// Listen or Header is set with URL: certificates come by our own TLS or by a proxy's word.
	Listen string `name:"listen" type:"option" placeholder:"HOST:PORT" help:"Where to accept connections for mtls.url and ask for certificates, with the server's own TLS (tls_cert_file, which must be good for that name too)."`

	// Header is believed from TrustedProxies alone.
	Header string `name:"header" type:"option" placeholder:"NAME" help:"Header in which a trusted proxy passes the certificate on: as RFC 9440 says, or PEM with percent signs, as nginx writes it. Instead of mtls.listen."`

	// CAFile is read at the start.
	CAFile string `name:"ca-file" type:"option" placeholder:"FILE" help:"Certificates (PEM) of the authorities that vouch for products' certificates. Without it: only certificates whose keys are registered are accepted."`
}

// Roots reads the authorities in CAFile; nil where there is none.
func (m MTLS) Roots() (*x509.CertPool, error) {
	if m.CAFile == "" {
		return nil, nil
	}
	rest, err := os.ReadFile(m.CAFile)
	if err != nil {
		return nil, withoutPath(err)
	}
	pool, found := x509.NewCertPool(), false
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		pool.AddCert(c)
		found = true
	}
	if !found {
		return nil, errors.New("it has no certificate")
	}
	return pool, nil
}

var headerName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// neverCertificate are headers that mean something else.
var neverCertificate = []string{"Authorization", "Cookie", "Host", "Dpop", "X-Forwarded-For", "Content-Type", "Origin"}

func (l *loading) checkMTLS() {
	m := l.config.MTLS
	if m.URL == "" {
		l.refuseWithout("mtls.url", map[string]bool{"mtls.listen": m.Listen != "", "mtls.header": m.Header != "", "mtls.ca_file": m.CAFile != ""})
		return
	}
	if wrong := issuerMistake(m.URL); wrong != nil {
		l.report("mtls.url", &mistake{wrong.wrong, strings.Replace(wrong.remedy, "id.example.com", "mtls.id.example.com", 1)})
	} else if !strings.HasPrefix(m.URL, "https:") {
		l.report("mtls.url", &mistake{fmt.Sprintf("is %q, without TLS", m.URL), "write https: certificates come by TLS only"})
	}
	switch {
	case l.refused["mtls.listen"] || l.refused["mtls.header"]:
	case m.Listen == "" && m.Header == "":
		l.report("mtls.url", &mistake{"is set, but nothing says how certificates come",
			"set mtls.listen to ask for them here, or mtls.header to be told by a proxy"})
	case m.Listen != "" && m.Header != "":
		l.report("mtls.header", &mistake{"is set together with mtls.listen (" + l.config.origin["mtls.listen"] + ")", "keep one of the two"})
	case m.Listen != "":
		l.checkMTLSListen()
	default:
		l.checkMTLSHeader()
	}
	if _, err := m.Roots(); err != nil {
		l.problems = append(l.problems, &Problem{Option: "mtls.ca_file", Source: l.config.origin["mtls.ca_file"],
			Wrong: m.CAFile + " can't be used", Err: err, Remedy: "name a file of certificates in PEM, readable by this user"})
	}
}

func (l *loading) checkMTLSListen() {
	c := l.config
	_, port, wrong := splitAddress(c.MTLS.Listen)
	switch {
	case wrong != nil:
		l.report("mtls.listen", wrong)
	case (c.MTLS.Listen == c.Listen || c.MTLS.Listen == c.MetricsListen) && port != "0":
		l.report("mtls.listen", &mistake{"is the same as listen or metrics_listen", "give it another port"})
	case c.TLSCertFile == "" && !l.refused["tls_cert_file"]:
		l.report("mtls.listen", &mistake{"is set without tls_cert_file", "set that too, or let a proxy speak TLS and set mtls.header"})
	case c.MTLS.URL == c.Issuer:
		l.report("mtls.url", &mistake{"is the issuer, where browsers would be asked for certificates", "give it a name or a port of its own"})
	}
}

func (l *loading) checkMTLSHeader() {
	c := l.config
	name := http.CanonicalHeaderKey(c.MTLS.Header)
	switch {
	case !headerName.MatchString(name) || slices.Contains(neverCertificate, name):
		l.report("mtls.header", &mistake{fmt.Sprintf("is %q, which can't hold a certificate", c.MTLS.Header), "write a name such as Client-Cert"})
	case len(c.TrustedProxies) == 0 && !l.refused["trusted_proxies"]:
		l.report("mtls.header", &mistake{"is set without trusted_proxies: nobody would be believed", "name the networks of your proxies there"})
	}
}
