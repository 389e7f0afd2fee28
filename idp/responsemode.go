package idp

import (
	"slices"
	"strings"
)

// Response modes: how an answer comes to the redirect URI (OAuth 2.0 Multiple
// Response Type Encoding Practices section 2.1, Form Post Response Mode, JARM
// section 2.3). Those with jwt carry all parameters in one signed JWT.
const (
	modeQuery    = "query"
	modeFragment = "fragment"
	modeFormPost = "form_post"
	modeJWT      = "jwt"
	// inJWT ends the others where they carry a JWT.
	inJWT = ".jwt"
)

var responseModes = []string{modeQuery, modeFragment, modeFormPost, modeJWT, modeQuery + inJWT, modeFragment + inJWT, modeFormPost + inJWT}

// responseMode is the mode of an answer, which is never just jwt. With an error
// it is the one that the error is told in: the response type's own.
func responseMode(responseType, asked string) (string, error) {
	own := modeQuery
	if givesIDToken(canonicalType(responseType)) {
		own = modeFragment
	}
	switch {
	case asked == "":
		return own, nil
	case asked == modeJWT:
		return own + inJWT, nil
	case !slices.Contains(responseModes, asked):
		return own, oauth(invalidRequest, "response_mode must be one of %s", strings.Join(responseModes, ", "))
	case own == modeFragment && strings.TrimSuffix(asked, inJWT) == modeQuery:
		// Queries end up in logs and in Referer.
		return own, oauth(invalidRequest, "response_mode=%s is not for response_type=%s: an ID token doesn't travel in a query", asked, responseType)
	}
	return asked, nil
}
