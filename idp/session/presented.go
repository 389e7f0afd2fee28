package session

import "net/http"

// Presented is an access token as a request presents it.
type Presented struct {
	Secret string
	// DPoP: by the scheme DPoP (RFC 9449 section 7.1), not by Bearer.
	DPoP bool
	// Request carries what proves that a bound token is presented by whom it was
	// given to: a DPoP proof, or a certificate.
	Request *http.Request
	// Answer are the headers of the answer; a nonce for the next proof is set
	// there.
	Answer http.Header
}

// Scheme is that of a challenge to whoever presents a token like this.
func (t Presented) Scheme() string {
	if t.DPoP {
		return "DPoP"
	}
	return "Bearer"
}

// ProofError says what is wrong with a DPoP proof, by the codes of RFC 9449
// section 12.2, so that whoever sent it can mend it.
type ProofError struct{ Code, Description string }

func (e *ProofError) Error() string { return e.Code + ": " + e.Description }

// ProofAlgs are the algorithms of DPoP proofs, those of FAPI 2.0 Security
// Profile section 5.4.1. A key for a proof is made for it, so nobody has an old
// one that could only do RSA with PKCS #1 v1.5.
func ProofAlgs() []string { return []string{"ES256", "PS256", "EdDSA"} }
