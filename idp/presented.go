package idp

import (
	"net/http"
	"strings"
)

// challengeBearer is what protected resources ask for.
const challengeBearer = `Bearer realm="sallyport"`

// wrongToken refuses an access token.
func wrongToken(cause error) *oauthError {
	return &oauthError{code: invalidToken, description: "the access token is unknown, expired or revoked", status: http.StatusUnauthorized,
		challenge: challengeBearer + `, error="invalid_token"`, cause: cause}
}

// presentedToken is the access token that a request to a protected resource
// carries: in the Authorization header or in a form, never in the query (RFC
// 6750 section 2).
func presentedToken(r *http.Request) (string, error) {
	scheme, inHeader, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	bearer := strings.EqualFold(scheme, "Bearer")
	if r.URL.Query().Has("access_token") {
		return "", oauth(invalidRequest, "send the access token in the Authorization header")
	}
	if r.Method == http.MethodPost && (!bearer || r.Header.Get("Content-Type") != "") {
		if err := formProblem(r); err != nil {
			return "", err
		}
	}
	inForm := r.PostForm.Get("access_token")
	switch {
	case bearer && inForm != "":
		return "", oauth(invalidRequest, "send the access token once")
	case bearer && inHeader != "":
		return strings.TrimSpace(inHeader), nil
	case inForm != "":
		return inForm, nil
	}
	// There is no token to say something about (RFC 6750 section 3.1).
	return "", &oauthError{code: invalidRequest, description: "send an access token in the Authorization header", status: http.StatusUnauthorized, challenge: challengeBearer}
}
