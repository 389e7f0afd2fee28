package idp

import "encoding/json"

// confirmation is the cnf claim (RFC 7800 section 3.1): the key that a token is
// bound to. The zero value is that of a bearer token.
type confirmation struct {
	// JKT is the thumbprint of a DPoP key (RFC 9449 section 6.1).
	JKT string `json:"jkt,omitempty"`
	// X5T is the thumbprint of a certificate (RFC 8705 section 3.1).
	X5T string `json:"x5t#S256,omitempty"`
}

// kept is how storage keeps it: as JSON, and nothing of a bearer token.
func (c confirmation) kept() string {
	if c == (confirmation{}) {
		return ""
	}
	b, _ := json.Marshal(c) // two strings always encode
	return string(b)
}

func confirmationOf(kept string) (c confirmation, err error) {
	if kept == "" {
		return c, nil
	}
	return c, json.Unmarshal([]byte(kept), &c)
}

// tokenType is the token_type of a token bound like this (RFC 9449 section 5;
// RFC 8705 keeps Bearer).
func (c confirmation) tokenType() string {
	if c.JKT != "" {
		return "DPoP"
	}
	return "Bearer"
}

// heldBy says whether whoever proved to have these keys has all that c names.
func (c confirmation) heldBy(proved confirmation) bool {
	return (c.JKT == "" || c.JKT == proved.JKT) && (c.X5T == "" || c.X5T == proved.X5T)
}

// confirm finds out which key a call proves to have by DPoP, if any: at the
// token endpoint, and where a request is pushed (RFC 9449 section 10.1).
func (p *Provider) confirm(c *call) (cnf confirmation, err error) {
	if len(c.request.Header.Values("DPoP")) > 0 {
		cnf.JKT, err = p.prove(c.request.Context(), c.request, c.answer, "")
	}
	return cnf, err
}

// bind finds out what the tokens of a call will be bound to, and refuses a
// client that is registered for bound tokens and proves nothing (RFC 9449
// section 5.2, RFC 8705 section 3.4). Whoever authenticates by certificate and
// sends a proof has chosen the key of the proof.
func (p *Provider) bind(c *call) (confirmation, error) {
	cnf, err := p.confirm(c)
	if err != nil {
		return cnf, err
	}
	if c.client.DPoPBound && cnf.JKT == "" {
		return cnf, oauth(invalidRequest, "tokens of %s are bound to a key: send a DPoP proof in the header DPoP", c.client.ID)
	}
	if cnf.JKT == "" || c.client.CertificateBound {
		cnf.X5T, err = p.boundCertificate(c)
	}
	return cnf, err
}

// keyOfRequest refuses a proof by another key than the one that the
// authorization request was bound to, by dpop_jkt or by the proof it was pushed
// with (RFC 9449 section 10). asked is empty where it was not.
func keyOfRequest(asked string, proved confirmation) error {
	if asked != "" && asked != proved.JKT {
		return oauth(invalidGrant, "the authorization request was bound to another DPoP key than this one")
	}
	return nil
}
