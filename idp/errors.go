package idp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
)

// oauthError is an error a client may see. What is not one becomes
// server_error, and its cause stays in the log.
type oauthError struct {
	code        string
	description string
	// status is that of a JSON answer; 0: 400.
	status int
	// challenge is the WWW-Authenticate of a JSON answer (RFC 9110 section
	// 11.6.1); empty: none.
	challenge string
	// cause is for the log only.
	cause error
	// reason is the policy's, for the audit; empty where it had no say.
	reason policy.ReasonCode
}

func (e *oauthError) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.code, e.description, e.cause)
	}
	return e.code + ": " + e.description
}

func (e *oauthError) Unwrap() error { return e.cause }

func oauth(code, description string, args ...any) *oauthError {
	return &oauthError{code: code, description: fmt.Sprintf(description, args...)}
}

// decided is an error by which the policy refuses.
func decided(code string, reason policy.Reason) *oauthError {
	return &oauthError{code: code, description: reason.String(), reason: reason.Code}
}

// The codes of RFC 6749, RFC 6750, RFC 8707, OpenID Connect Core section 3.1.2.6 and
// OpenID Connect Core Error Code unmet_authentication_requirements.
const (
	invalidRequest          = "invalid_request"
	invalidClient           = "invalid_client"
	invalidGrant            = "invalid_grant"
	invalidScope            = "invalid_scope"
	invalidToken            = "invalid_token"
	invalidTarget           = "invalid_target"
	unauthorizedClient      = "unauthorized_client"
	unsupportedResponseType = "unsupported_response_type"
	unsupportedGrantType    = "unsupported_grant_type"
	accessDenied            = "access_denied"
	serverError             = "server_error"
	loginRequired           = "login_required"
	interactionRequired     = "interaction_required"
	consentRequired         = "consent_required"
	accountSelectionNeeded  = "account_selection_required"
	unmetRequirements       = "unmet_authentication_requirements"
	requestNotSupported     = "request_not_supported"
	requestURINotSupported  = "request_uri_not_supported"
	registrationUnsupported = "registration_not_supported"
	invalidRequestURI       = "invalid_request_uri"
	invalidRequestObject    = "invalid_request_object"
)

// asOAuth turns any error into one a client may see.
func (p *Provider) asOAuth(ctx context.Context, err error) *oauthError {
	var e *oauthError
	if errors.As(err, &e) {
		if e.cause != nil {
			p.Log.WarnContext(ctx, "request refused", "error", e.code, "cause", e.cause, "request_id", session.OriginOf(ctx).RequestID)
		}
		return e
	}
	id := session.OriginOf(ctx).RequestID
	p.Log.ErrorContext(ctx, "request failed", "cause", err, "request_id", id)
	return &oauthError{code: serverError, description: "something went wrong on our side; request id " + id, status: http.StatusInternalServerError}
}

// jsonError answers with an error as JSON (RFC 6749 section 5.2).
func (p *Provider) jsonError(w http.ResponseWriter, r *http.Request, err error) {
	e := p.asOAuth(r.Context(), err)
	if e.challenge != "" {
		w.Header().Set("WWW-Authenticate", e.challenge)
	}
	p.write(w, cmp.Or(e.status, http.StatusBadRequest), map[string]string{"error": e.code, "error_description": descriptionText(e.description)})
}
