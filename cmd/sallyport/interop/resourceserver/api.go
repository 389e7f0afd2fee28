// Package resourceserver is an API that verifies Sallyport's access tokens by itself (RFC 9068), by coreos/go-oidc.
package resourceserver

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

// API is what your product serves to others.
type API struct{ verifier *oidc.IDTokenVerifier }

// Connect reads the provider's discovery document; once, when the API starts. resource is the one that your product is
// registered with (api.resource). The keys are fetched when they are needed, and again for a key that isn't known yet.
func Connect(ctx context.Context, issuer, resource string) (*API, error) {
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	return &API{provider.Verifier(&oidc.Config{ClientID: resource})}, nil // aud must be the resource
}

// Token is what an access token says.
type Token struct {
	// Subject is the person, or the client itself where nobody signed in: AuthTime is 0 then.
	Subject  string   `json:"sub"`
	ClientID string   `json:"client_id"`
	Scope    string   `json:"scope"`
	ACR      string   `json:"acr"`
	AMR      []string `json:"amr"`
	AuthTime int64    `json:"auth_time"`
	MFATime  int64    `json:"mfa_time"`
	Roles    []string `json:"roles"`
	// Cnf is the key that the token is bound to.
	Cnf map[string]string `json:"cnf"`
}

// Verify checks signature, issuer, audience, expiry and type of an access token, and that it has a scope. Ask for the
// acr, and for its age, wherever an action needs them.
func (a *API) Verify(ctx context.Context, bearer, scope string) (*Token, error) {
	// Not an ID token, nor anything else that is signed by the same keys.
	header, _, _ := strings.Cut(bearer, ".")
	var kind struct {
		Type string `json:"typ"`
	}
	if b, err := base64.RawURLEncoding.DecodeString(header); err != nil || json.Unmarshal(b, &kind) != nil || kind.Type != "at+jwt" {
		return nil, errors.New("not an access token")
	}
	verified, err := a.verifier.Verify(ctx, bearer)
	if err != nil {
		return nil, err
	}
	var t Token
	if err := verified.Claims(&t); err != nil {
		return nil, err
	}
	switch {
	case len(t.Cnf) > 0: // it is no bearer token: check DPoP, or let idp/stepup do so
		return nil, errors.New("the token is bound to a key")
	case !strings.Contains(" "+t.Scope+" ", " "+scope+" "):
		return nil, errors.New("the token lacks the scope " + scope)
	}
	return &t, nil
}
