package idp

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// checkIssuedCertificate authenticates by a certificate that a trusted
// authority made out to the registered subject (RFC 8705 section 2.1).
func (p *Provider) checkIssuedCertificate(ctx context.Context, client *storage.Client, _ *credentials) error {
	c, err := p.certificate(ctx)
	if err == nil && p.MTLS.Roots == nil {
		err = errors.New("mtls.ca_file names nobody who vouches for certificates")
	}
	if err == nil {
		err = p.vouchedFor(ctx, c)
	}
	if err == nil {
		err = isSubject(client.TLSClient, c)
	}
	if err != nil {
		return wrongCertificate(client, err)
	}
	return nil
}

// checkOwnCertificate authenticates by a certificate whose key the client has
// registered, whoever signed it (RFC 8705 section 2.2).
func (p *Provider) checkOwnCertificate(ctx context.Context, client *storage.Client, _ *credentials) error {
	c, err := p.certificate(ctx)
	if err == nil {
		err = p.findClientKey(ctx, client, func(k jose.JSONWebKey) bool {
			public, ok := k.Key.(interface{ Equal(crypto.PublicKey) bool })
			return ok && public.Equal(c.PublicKey)
		})
	}
	if err != nil {
		return wrongCertificate(client, err)
	}
	return nil
}

// certificate is that of the request.
func (p *Provider) certificate(ctx context.Context) (*x509.Certificate, error) {
	from := session.OriginOf(ctx)
	switch {
	case p.MTLS == nil:
		return nil, errors.New("mtls.url is not set: certificates are not looked at")
	case from.CertificateProblem != nil:
		return nil, from.CertificateProblem
	case from.Certificate == nil:
		return nil, fmt.Errorf("no certificate came with the request: it must go to %s", p.MTLS.URL)
	}
	return from.Certificate, nil
}

// vouchedFor verifies the chain up to the operator's authorities.
func (p *Provider) vouchedFor(ctx context.Context, c *x509.Certificate) error {
	between := x509.NewCertPool()
	for _, i := range session.OriginOf(ctx).Intermediates {
		between.AddCert(i)
	}
	_, err := c.Verify(x509.VerifyOptions{
		Roots: p.MTLS.Roots, Intermediates: between, CurrentTime: p.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err
}

// isSubject compares a certificate with the one name that is registered (RFC
// 8705 section 2.1.2).
func isSubject(want storage.TLSClient, c *x509.Certificate) error {
	var is bool
	var err error
	switch {
	case want.SubjectDN != "":
		is, err = isDN(want.SubjectDN, c.RawSubject)
	case want.SANDNS != "":
		is = slices.ContainsFunc(c.DNSNames, func(n string) bool { return strings.EqualFold(n, want.SANDNS) })
	case want.SANURI != "":
		for _, u := range c.URIs {
			is = is || u.String() == want.SANURI
		}
	case want.SANIP != "":
		addr, parseErr := netip.ParseAddr(want.SANIP)
		err = parseErr
		for _, ip := range c.IPAddresses {
			a, ok := netip.AddrFromSlice(ip)
			is = is || ok && a.Unmap() == addr.Unmap()
		}
	case want.SANEmail != "":
		is = slices.ContainsFunc(c.EmailAddresses, func(e string) bool { return sameMailbox(e, want.SANEmail) })
	default:
		err = errors.New("no subject is registered")
	}
	if err == nil && !is {
		err = fmt.Errorf("the certificate is of %q, not of the registered subject", nameOf(c))
	}
	return err
}

// sameMailbox compares addresses: only domains are the same in any case.
func sameMailbox(a, b string) bool {
	at, bt := strings.LastIndexByte(a, '@'), strings.LastIndexByte(b, '@')
	return at >= 0 && bt >= 0 && a[:at] == b[:bt] && strings.EqualFold(a[at:], b[bt:])
}

// nameOf is a certificate's subject as it would be registered, with its other
// names.
func nameOf(c *x509.Certificate) string {
	subject, _ := readDN(c.RawSubject) // it was parsed before
	names := append([]string{subject.String()}, c.DNSNames...)
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return strings.Join(append(names, c.EmailAddresses...), " ")
}

func wrongCertificate(client *storage.Client, cause error) *oauthError {
	return refusedClient("present the registered certificate, at the address of mtls_endpoint_aliases", fmt.Errorf("certificate of %s: %w", client.ID, cause))
}
