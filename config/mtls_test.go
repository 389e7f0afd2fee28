package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/config"
)

func TestMTLSMistakes(t *testing.T) {
	certificate, key := certificatePair(t)
	own := []string{"issuer=https://localhost:8080", "tls-cert-file=" + certificate, "tls-key-file=" + key, "mtls-url=https://localhost:8443", "mtls-listen=localhost:8443"}
	proxied := []string{"issuer=https://id.example.com", "trusted-proxies=10.0.0.0/8", "mtls-url=https://mtls.example.com", "mtls-header=Client-Cert"}
	for name, test := range map[string]struct {
		flags []string
		want  []string
	}{
		"listen without url":        {[]string{"mtls-listen=localhost:8443"}, []string{"mtls.listen (--mtls-listen)", "without mtls.url"}},
		"header without url":        {[]string{"mtls-header=Client-Cert"}, []string{"mtls.header", "without mtls.url"}},
		"authorities without url":   {[]string{"mtls-ca-file=" + certificate}, []string{"mtls.ca_file", "without mtls.url"}},
		"url alone":                 {[]string{"mtls-url=https://mtls.example.com"}, []string{"mtls.url", "nothing says how certificates come", "mtls.listen", "mtls.header"}},
		"url without TLS":           {append(proxied, "mtls-url=http://localhost:8443"), []string{"mtls.url", "without TLS", "write https"}},
		"url with a path":           {append(proxied, "mtls-url=https://example.com/mtls"), []string{"mtls.url", "path", "write https://example.com"}},
		"url of nothing":            {append(proxied, "mtls-url=mtls"), []string{"mtls.url", "https://mtls.id.example.com"}},
		"both ways":                 {append(own, "mtls-header=Client-Cert", "trusted-proxies=10.0.0.0/8"), []string{"mtls.header", "together with mtls.listen (--mtls-listen)"}},
		"listen without port":       {append(own, "mtls-listen=localhost"), []string{"mtls.listen", "no host and port"}},
		"listen on listen":          {append(own, "mtls-listen=localhost:8080"), []string{"mtls.listen", "same as listen"}},
		"listen on metrics":         {append(own, "metrics-listen=localhost:8443"), []string{"mtls.listen", "metrics_listen"}},
		"listen without TLS":        {[]string{"issuer=https://id.example.com", "mtls-url=https://mtls.example.com", "mtls-listen=:8443"}, []string{"mtls.listen", "without tls_cert_file", "mtls.header"}},
		"listening for the issuer":  {append(own, "mtls-url=https://localhost:8080"), []string{"mtls.url", "is the issuer"}},
		"header nobody may write":   {append(proxied, "trusted-proxies="), []string{"mtls.header", "without trusted_proxies"}},
		"header of another meaning": {append(proxied, "mtls-header=authorization"), []string{"mtls.header", "can't hold a certificate", "Client-Cert"}},
		"header no name":            {append(proxied, "mtls-header=Client Cert"), []string{"mtls.header", "can't hold a certificate"}},
		"authorities missing":       {append(proxied, "mtls-ca-file=/nowhere/ca.pem"), []string{"mtls.ca_file (--mtls-ca-file)", "/nowhere/ca.pem", "no such file", "PEM"}},
		"authorities of no kind":    {append(proxied, "mtls-ca-file="+key), []string{"mtls.ca_file", "has no certificate"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(flags(test.flags))
			problems, ok := errors.AsType[config.Problems](err)
			if !ok || len(problems) != 1 || !containsAll(err.Error(), test.want) {
				t.Fatalf("got %v\nwant one problem with %q", err, test.want)
			}
		})
	}
}

func TestMTLSSettings(t *testing.T) {
	certificate, key := certificatePair(t)
	for name, options := range map[string][]string{
		"own TLS":         {"issuer=https://localhost:8080", "tls-cert-file=" + certificate, "tls-key-file=" + key, "mtls-url=https://localhost:8443", "mtls-listen=localhost:8443"},
		"proxy":           {"issuer=https://id.example.com", "trusted-proxies=10.0.0.0/8", "mtls-url=https://mtls.example.com", "mtls-header=client-cert", "mtls-ca-file=" + certificate},
		"proxy, one name": {"issuer=https://id.example.com", "trusted-proxies=10.0.0.0/8", "mtls-url=https://id.example.com", "mtls-header=Client-Cert"},
	} {
		c := MustLoad(t, flags(options))
		roots, err := c.MTLS.Roots()
		if err != nil || (roots != nil) != (c.MTLS.CAFile != "") {
			t.Errorf("%s: authorities: %v %v", name, roots, err)
		}
	}
}

// flags are options as arguments, later ones winning.
func flags(options []string) config.Sources {
	s := config.Sources{Flags: map[string]string{}}
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		if s.Flags[name] = value; value == "" {
			delete(s.Flags, name)
		}
	}
	return s
}
