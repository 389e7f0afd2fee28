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

// confirm finds out which key the tokens of a call will be bound to.
func (p *Provider) confirm(c *call) (confirmation, error) {
	return confirmation{}, nil
}
