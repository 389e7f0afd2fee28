package idp

import (
	"errors"
	"net/http"
	"strings"

	"github.com/sallyport-id/sallyport/idp/session"
)

// challengeBearer and challengeDPoP are what protected resources ask for.
const challengeBearer = `Bearer realm="sallyport"`

func challengeDPoP() string { return `DPoP algs="` + strings.Join(session.ProofAlgs(), " ") + `"` }

// wrongToken refuses an access token that was presented as t says.
func wrongToken(t session.Presented, cause error) *oauthError {
	return refusedToken(t, invalidToken, "the access token is unknown, expired or revoked", cause)
}

// refusedToken asks by the scheme that was tried what was wrong with it, and
// names the other one too (RFC 9449 section 7.1).
func refusedToken(t session.Presented, code, description string, cause error) *oauthError {
	challenge := challengeBearer + `, error="` + code + `", ` + challengeDPoP()
	if t.DPoP {
		challenge = challengeDPoP() + `, error="` + code + `", ` + challengeBearer
	}
	return &oauthError{code: code, description: description, status: http.StatusUnauthorized, challenge: challenge, cause: cause}
}

// presentedToken is the access token that a request to a protected resource
// carries: in the Authorization header or in a form, never in the query (RFC
// 6750 section 2). Whoever looks it up asks [Provider.holds] next.
func presentedToken(w http.ResponseWriter, r *http.Request) (session.Presented, error) {
	t := session.Presented{Request: r, Answer: w.Header()}
	scheme, inHeader, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	inHeader, t.DPoP = strings.TrimSpace(inHeader), strings.EqualFold(scheme, "DPoP")
	known := t.DPoP || strings.EqualFold(scheme, "Bearer")
	if len(r.Header.Values("Authorization")) > 1 {
		return t, oauth(invalidRequest, "send one Authorization header")
	}
	if r.URL.Query().Has("access_token") {
		return t, oauth(invalidRequest, "send the access token in the Authorization header")
	}
	if r.Method == http.MethodPost && (!known || r.Header.Get("Content-Type") != "") {
		if err := formProblem(r); err != nil {
			return t, err
		}
	}
	inForm := r.PostForm.Get("access_token")
	switch {
	case known && inForm != "":
		return t, oauth(invalidRequest, "send the access token once")
	case known && inHeader != "":
		t.Secret = inHeader
		return t, nil
	case inForm != "":
		t.Secret = inForm
		return t, nil
	}
	// There is no token to say something about (RFC 6750 section 3.1).
	return t, &oauthError{code: invalidRequest, description: "send an access token in the Authorization header", status: http.StatusUnauthorized,
		challenge: challengeBearer + ", " + challengeDPoP()}
}

// holds refuses a token that is bound to a key or a certificate unless the
// request that presents it proves to have it, and a token that isn't presented
// by the scheme of its kind: a bound one that was stolen is no bearer token, and
// one that isn't bound proves nothing by a proof (RFC 9449 section 7.2). kept is
// what storage keeps of what it is bound to.
func (p *Provider) holds(t session.Presented, kept string) error {
	cnf, err := confirmationOf(kept)
	if err != nil {
		return err
	}
	switch {
	case t.DPoP && cnf.JKT == "":
		return refusedToken(t, invalidToken, "the access token is bound to no DPoP key: present it by the scheme Bearer", nil)
	case !t.DPoP && cnf.JKT != "":
		return refusedToken(t, invalidToken, "the access token is bound to a DPoP key: present it by the scheme DPoP, with a proof", nil)
	}
	var proved confirmation
	if cnf.JKT != "" {
		proved.JKT, err = p.prove(t.Request.Context(), t.Request, t.Answer, t.Secret)
		if e, ok := errors.AsType[*oauthError](err); ok {
			return refusedToken(t, e.code, e.description, e.cause)
		}
		if err != nil {
			return err
		}
	}
	if cnf.X5T != "" {
		proved.X5T = p.certificateThumbprint(t.Request)
	}
	if !cnf.heldBy(proved) {
		return refusedToken(t, invalidToken, "the access token is bound to another key or certificate", nil)
	}
	return nil
}
