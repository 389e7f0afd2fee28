package stepup

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// Codes of errors, as callers see them.
const (
	invalidRequest             = "invalid_request"                  // RFC 6750 section 3.1
	invalidToken               = "invalid_token"                    // the same
	insufficientScope          = "insufficient_scope"               // the same
	insufficientAuthentication = "insufficient_user_authentication" // RFC 9470 section 3
	invalidProof               = "invalid_dpop_proof"               // RFC 9449 section 7.1
)

// mfaMaxAge is a parameter of challenges that is Sallyport's own: a second factor
// at most that many seconds old is enough. max_age stands beside it for clients
// that don't know it; they let the person sign in anew.
const mfaMaxAge = "mfa_max_age"

// parameter is one of a challenge's; they have an order.
type parameter struct{ name, value string }

// answer refuses a call.
func (v *Verifier) answer(w http.ResponseWriter, r *http.Request, err error, need Need, scopes []string) {
	w.Header().Set("Cache-Control", "no-store")
	var short *Insufficient
	var unavailable errUnavailable
	switch {
	case errors.Is(err, errNoToken): // RFC 6750 section 3.1: nothing to say about a token that isn't there
		v.challenge(w, http.StatusUnauthorized, "", "send an access token in the Authorization header")
	case errors.Is(err, errTwoTokens):
		v.challenge(w, http.StatusBadRequest, invalidRequest, errTwoTokens.Error())
	case errors.Is(err, errScope):
		v.challenge(w, http.StatusForbidden, insufficientScope, errScope.Error(), parameter{"scope", strings.Join(scopes, " ")})
	case errors.As(err, &short):
		v.challenge(w, http.StatusUnauthorized, insufficientAuthentication, short.Reason, short.parameters()...)
	case errors.Is(err, errProof):
		v.log(r.Context(), "call refused", err)
		v.challenge(w, http.StatusUnauthorized, invalidProof, errProof.Error())
	case errors.As(err, &unavailable):
		v.log(r.Context(), "call not answered", err)
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
		body(w, http.StatusServiceUnavailable, "temporarily_unavailable", "the access token can't be checked at the moment")
	default:
		v.log(r.Context(), "call refused", err)
		v.challenge(w, http.StatusUnauthorized, invalidToken, "the access token isn't valid here: it is unknown, expired, revoked or not meant for this API")
	}
}

// parameters are what a sign-in must be (RFC 9470 section 3).
func (e *Insufficient) parameters() (all []parameter) {
	if e.Need.ACR != "" {
		all = append(all, parameter{"acr_values", e.Need.ACR})
	}
	age := e.Need.AuthAge
	if age == 0 || e.Need.MFAAge > 0 && e.Need.MFAAge < age {
		age = e.Need.MFAAge
	}
	if age > 0 {
		all = append(all, parameter{"max_age", strconv.FormatInt(seconds(age), 10)})
	}
	if e.Need.MFAAge > 0 && !e.fullSignIn {
		all = append(all, parameter{mfaMaxAge, strconv.FormatInt(seconds(e.Need.MFAAge), 10)})
	}
	return all
}

// challenge writes the WWW-Authenticate headers, one for each scheme that is
// understood here, and the error once more as JSON.
func (v *Verifier) challenge(w http.ResponseWriter, status int, code, description string, more ...parameter) {
	var all []string
	if code != "" {
		more = append([]parameter{{"error", code}, {"error_description", description}}, more...)
	}
	for _, p := range more {
		all = append(all, p.name+`="`+quotable(p.value)+`"`)
	}
	parameters := strings.Join(all, ", ")
	if code != invalidProof {
		w.Header().Add("WWW-Authenticate", strings.TrimSuffix("Bearer "+parameters, " "))
	}
	if v.BaseURL != "" {
		if parameters != "" {
			parameters += ", "
		}
		w.Header().Add("WWW-Authenticate", "DPoP "+parameters+`algs="`+proofAlgorithms()+`"`)
	}
	body(w, status, code, description)
}

// quotable leaves out what must not stand in an error_description (RFC 6750
// section 3).
func quotable(text string) string {
	return strings.Map(func(c rune) rune {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return '\''
		}
		return c
	}, text)
}

func body(w http.ResponseWriter, status int, code, description string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	answer := map[string]string{"error_description": description}
	if code != "" {
		answer["error"] = code
	}
	_ = json.NewEncoder(w).Encode(answer) // a caller that went away is no error of ours
}
