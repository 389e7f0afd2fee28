package session

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// certificate notes the certificate that a request came with. Whoever speaks
// TLS with us has proved to have its key; a proxy's word is taken for it.
func (o *Origin) certificate(r *http.Request, trusted []netip.Prefix, header string) {
	if header != "" && isTrusted(trusted, socketAddr(r)) {
		o.Certificate, o.CertificateProblem = certificateOf(r.Header.Values(header))
		return
	}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		o.Certificate, o.Intermediates = r.TLS.PeerCertificates[0], r.TLS.PeerCertificates[1:]
	}
}

// certificateOf reads what a proxy wrote: base64 of DER between colons (RFC
// 9440 section 2.1), or PEM with percent signs, as nginx and others do. nil
// where there is nothing, for not every client has one.
func certificateOf(values []string) (*x509.Certificate, error) {
	if len(values) > 1 {
		return nil, errors.New("the certificate's header came more than once: the proxy must overwrite what clients send")
	}
	text := strings.TrimSpace(strings.Join(values, ""))
	if text == "" {
		return nil, nil
	}
	der, err := derOf(text)
	if err != nil {
		return nil, fmt.Errorf("the certificate's header: %w", err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("the certificate's header: %w", err)
	}
	return c, nil
}

func derOf(text string) ([]byte, error) {
	if inner, ok := strings.CutPrefix(text, ":"); ok {
		inner, ok = strings.CutSuffix(inner, ":")
		if !ok {
			return nil, errors.New("no colon at its end (RFC 9440)")
		}
		return base64.StdEncoding.DecodeString(inner)
	}
	// Not as in a query: base64 has plus signs.
	text, err := url.PathUnescape(text)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" || len(strings.TrimSpace(string(rest))) > 0 {
		return nil, errors.New("neither :base64: (RFC 9440) nor one certificate in PEM, with percent signs")
	}
	return block.Bytes, nil
}
