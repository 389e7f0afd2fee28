package idp

import (
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// Response types (OAuth 2.0 Multiple Response Type Encoding Practices). An
// access token is never given out by the authorization endpoint.
const (
	typeCode        = "code"
	typeIDToken     = "id_token"
	typeCodeIDToken = "code id_token"
	// typeNone is that of the provider's own pages, which get no code.
	typeNone = "none"
)

var responseTypes = []string{typeCode, typeIDToken, typeCodeIDToken}

func givesCode(responseType string) bool {
	return responseType == typeCode || responseType == typeCodeIDToken
}

func givesIDToken(responseType string) bool {
	return responseType == typeIDToken || responseType == typeCodeIDToken
}

// responseTypesOf are those that a client may ask for: code, unless it is
// registered for others.
func responseTypesOf(c *storage.Client) []string {
	switch {
	case c.Internal:
		return []string{typeNone}
	case len(c.ResponseTypes) == 0:
		return []string{typeCode}
	}
	var all []string
	for _, t := range c.ResponseTypes {
		if t = canonicalType(t); slices.Contains(responseTypes, t) {
			all = append(all, t)
		}
	}
	return all
}

// canonicalType is a response type with its words in our order: they have none
// (RFC 6749 section 3.1.1).
func canonicalType(asked string) string {
	words := strings.Split(asked, " ")
	slices.Sort(words)
	return strings.Join(words, " ")
}

// responseType checks response_type.
func responseType(c *storage.Client, asked string) (string, error) {
	may := responseTypesOf(c)
	if asked == "" {
		return "", oauth(invalidRequest, "response_type is missing: send response_type=%s", strings.Join(may, " or "))
	}
	if t := canonicalType(asked); slices.Contains(may, t) {
		return t, nil
	}
	return "", oauth(unsupportedResponseType, "response_type must be %s", strings.Join(may, " or "))
}

// nonceNeeded refuses a request for an ID token that would come back through
// the browser without anything that ties it to this request (OpenID Connect
// Core section 3.2.2.1).
func nonceNeeded(out session.Params) error {
	if givesIDToken(out.ResponseType) && out.Nonce == "" {
		return oauth(invalidRequest, "nonce is required for response_type=%s", out.ResponseType)
	}
	return nil
}
