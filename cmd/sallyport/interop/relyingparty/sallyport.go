// Package relyingparty signs in with Sallyport, by coreos/go-oidc and golang.org/x/oauth2.
package relyingparty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Sallyport is one product's view of the provider.
type Sallyport struct {
	issuer     string
	oauth2     oauth2.Config
	provider   *oidc.Provider
	verifier   *oidc.IDTokenVerifier
	endSession string
}

// Connect reads the provider's discovery document; once, when the product starts.
func Connect(ctx context.Context, issuer, clientID, clientSecret, redirectURI string) (*Sallyport, error) {
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	var more struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := provider.Claims(&more); err != nil {
		return nil, err
	}
	return &Sallyport{
		issuer: issuer, provider: provider, verifier: provider.Verifier(&oidc.Config{ClientID: clientID}), endSession: more.EndSession,
		oauth2: oauth2.Config{
			ClientID: clientID, ClientSecret: clientSecret, RedirectURL: redirectURI, Endpoint: provider.Endpoint(),
			Scopes: []string{oidc.ScopeOpenID, "profile", "email", "roles"},
		},
	}, nil
}

// Kept is what to keep in the visitor's session between Begin and Finish.
type Kept struct{ State, Nonce, Verifier string }

// Begin says where to send the browser.
func (s *Sallyport) Begin(more ...oauth2.AuthCodeOption) (string, Kept) {
	kept := Kept{State: oauth2.GenerateVerifier(), Nonce: oauth2.GenerateVerifier(), Verifier: oauth2.GenerateVerifier()}
	more = append(more, oidc.Nonce(kept.Nonce), oauth2.S256ChallengeOption(kept.Verifier))
	return s.oauth2.AuthCodeURL(kept.State, more...), kept
}

// Claims are what an ID token says of the sign-in.
type Claims struct {
	Subject  string           `json:"sub"`
	Session  string           `json:"sid"`
	ACR      string           `json:"acr"`
	AMR      []string         `json:"amr"`
	MFATime  int64            `json:"mfa_time"`
	AMRTimes map[string]int64 `json:"amr_times"`
	Roles    []string         `json:"roles"`
}

// Finish is for the redirect URI: it redeems the code of the answer and verifies the ID token.
func (s *Sallyport) Finish(ctx context.Context, answer url.Values, kept Kept) (*oauth2.Token, *Claims, error) {
	switch {
	case kept.State == "" || answer.Get("state") != kept.State || answer.Get("iss") != s.issuer:
		return nil, nil, errors.New("an answer to another question")
	case answer.Has("error"): // access_denied: the person cancelled
		return nil, nil, fmt.Errorf("%s: %s", answer.Get("error"), answer.Get("error_description"))
	}
	token, err := s.oauth2.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(kept.Verifier))
	if err != nil {
		return nil, nil, err
	}
	claims, err := s.Verify(ctx, token, kept.Nonce)
	return token, claims, err
}

// Verify reads the ID token that came with tokens.
func (s *Sallyport) Verify(ctx context.Context, token *oauth2.Token, nonce string) (*Claims, error) {
	raw, _ := token.Extra("id_token").(string)
	idToken, err := s.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if idToken.Nonce != nonce {
		return nil, errors.New("another sign-in's ID token")
	}
	claims := new(Claims)
	return claims, errors.Join(idToken.VerifyAccessToken(token.AccessToken), idToken.Claims(claims))
}

// Refresh rotates the refresh token: only the one of the answer is good from now on.
func (s *Sallyport) Refresh(ctx context.Context, refreshToken string) (*oauth2.Token, error) {
	return s.oauth2.TokenSource(ctx, &oauth2.Token{RefreshToken: refreshToken}).Token()
}

// Userinfo asks for the person's claims.
func (s *Sallyport) Userinfo(ctx context.Context, token *oauth2.Token, into any) error {
	info, err := s.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return err
	}
	return info.Claims(into)
}

// TwoFactors says whether a sign-in proved two, the second at most maxAge ago; 0: whenever.
func (c *Claims) TwoFactors(maxAge time.Duration) bool {
	enough := slices.Contains([]string{"urn:sallyport:acr:2fa", "phr", "phrh"}, c.ACR)
	return enough && (maxAge == 0 || time.Since(time.Unix(c.MFATime, 0)) <= maxAge)
}

// DemandTwoFactors goes into Begin when TwoFactors says no.
func DemandTwoFactors(maxAge time.Duration) oauth2.AuthCodeOption {
	idToken := map[string]any{"acr": map[string]any{"essential": true, "value": "urn:sallyport:acr:2fa"}}
	if maxAge > 0 {
		idToken["mfa_time"] = map[string]any{"essential": true, "max_age": int(maxAge.Seconds())}
	}
	claims, err := json.Marshal(map[string]any{"id_token": idToken})
	if err != nil {
		panic(err) // plain maps always encode
	}
	return oauth2.SetAuthURLParam("claims", string(claims))
}

// SignOut says where to send the browser to end the session at the provider.
func (s *Sallyport) SignOut(idToken, postLogoutRedirectURI string) string {
	return s.endSession + "?" + url.Values{"id_token_hint": {idToken}, "post_logout_redirect_uri": {postLogoutRedirectURI}}.Encode()
}
