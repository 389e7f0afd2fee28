package idp

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/http"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// MTLS says how the certificates of clients come (RFC 8705);
// [session.TrackOrigin] says whose word is taken for it.
type MTLS struct {
	// URL is the origin where clients are asked for a certificate: a second
	// address, so that browsers at the issuer's never are.
	URL string
	// Roots vouch for certificates of tls_client_auth; nil: that isn't served.
	Roots *x509.CertPool
}

// certificateThumbprint is the x5t#S256 of the certificate that a request came
// with (RFC 8705 section 3.1); empty: it came without.
func (p *Provider) certificateThumbprint(r *http.Request) string {
	if p.MTLS == nil {
		return ""
	}
	return thumbprint(session.OriginOf(r.Context()).Certificate)
}

func thumbprint(c *x509.Certificate) string {
	if c == nil {
		return ""
	}
	sum := sha256.Sum256(c.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// boundCertificate is the thumbprint that the tokens of a call will be bound to:
// that of the certificate, where the client is registered for such tokens or
// authenticates by certificate (RFC 8705 section 3). Empty: they are not.
func (p *Provider) boundCertificate(c *call) (string, error) {
	byCertificate := c.client.AuthMethod == storage.TLSClientAuth || c.client.AuthMethod == storage.SelfSignedTLS
	if !c.client.CertificateBound && !byCertificate {
		return "", nil
	}
	switch x5t := p.certificateThumbprint(c.request); {
	case x5t != "":
		return x5t, nil
	case p.MTLS == nil:
		return "", oauth(invalidRequest, "tokens of %s are bound to a certificate, and this provider isn't set up to ask for one", c.client.ID)
	default:
		return "", oauth(invalidRequest, "tokens of %s are bound to a certificate, and none came: call %s with it", c.client.ID, p.MTLS.URL)
	}
}
