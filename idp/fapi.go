package idp

import (
	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport-id/sallyport/storage"
)

// fapiAlgorithms are the only ones of FAPI 2.0 Security Profile section 5.4.1.
var fapiAlgorithms = []jose.SignatureAlgorithm{jose.PS256, jose.ES256, jose.EdDSA}

// fapi says whether a client stands as the FAPI 2.0 Security Profile demands:
// requests pushed, be it by its registration or by what this provider demands
// of all, and tokens bound. What that profile narrows is then narrow; there is
// no switch for it that could be forgotten.
func (p *Provider) fapi(c *storage.Client) bool {
	return (p.RequirePAR || c.RequirePAR) && (c.DPoPBound || c.CertificateBound) && !c.HasSecret() && c.AuthMethod != storage.AuthNone
}
