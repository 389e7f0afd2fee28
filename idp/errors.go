package idp

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

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

// The codes of RFC 6749, RFC 6750, OpenID Connect Core section 3.1.2.6 and
// OpenID Connect Core Error Code unmet_authentication_requirements.
const (
	invalidRequest          = "invalid_request"
	invalidClient           = "invalid_client"
	invalidGrant            = "invalid_grant"
	invalidScope            = "invalid_scope"
	invalidToken            = "invalid_token"
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

// forLibrary is asOAuth in the type that zitadel/oidc answers with.
func (p *Provider) forLibrary(ctx context.Context, err error) error {
	e := p.asOAuth(ctx, err)
	status := e.status
	if status == 0 {
		status = http.StatusBadRequest
	}
	out := &oidc.Error{Description: e.description}
	setString(&out.ErrorType, e.code)
	return op.NewStatusError(out, status)
}

// setString assigns to a string of a type the library doesn't export.
func setString[S ~string](to *S, value string) { *to = S(value) }

// authenticateClient is what 401 answers ask for.
const authenticateClient = `Basic realm="sallyport", charset="UTF-8"`

func wrongClient(cause string) *oauthError {
	return &oauthError{code: invalidClient, description: "client authentication failed: check client_id, the secret, and that the registered method is used",
		status: http.StatusUnauthorized, cause: errors.New(cause)}
}
