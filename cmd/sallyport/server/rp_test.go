package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	zitadel "github.com/zitadel/oidc/v3/pkg/client/rp"
	httphelper "github.com/zitadel/oidc/v3/pkg/http"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// product is an address at which a real relying party runs, registered with
// the provider. Both sides go by the real time here.
func product(t *testing.T, d *servertest.Demo, alg string) (address string, mux *http.ServeMux) {
	t.Helper()
	mux = http.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	address = strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	declare(t, d, `products: [{ id: real, name: Real, secret_hash: "`+storage.Hash(secret)+`", redirect_uris: ["`+address+`/callback"],
		post_logout_redirect_uris: ["`+address+`/bye"], id_token_signed_response_alg: `+alg+`,
		grant_types: [authorization_code, refresh_token], scopes: [openid, profile, email, offline_access] }]`)
	return address, mux
}

// A relying party on coreos/go-oidc and x/oauth2 signs somebody in.
func TestRelyingPartyGoOIDC(t *testing.T) {
	for _, alg := range []string{"RS256", "ES256"} {
		t.Run(alg, func(t *testing.T) {
			d := start(t)
			address, mux := product(t, d, alg)
			ctx := t.Context()
			provider, err := gooidc.NewProvider(ctx, d.URL)
			if err != nil {
				t.Fatal(err)
			}
			config := oauth2.Config{ClientID: "real", ClientSecret: secret, Endpoint: provider.Endpoint(), RedirectURL: address + "/callback",
				Scopes: []string{"openid", "profile", "email", "offline_access"}}
			verifier := oauth2.GenerateVerifier()
			var token *oauth2.Token
			mux.HandleFunc("/callback", func(w http.ResponseWriter, r *http.Request) {
				if q := r.URL.Query(); q.Get("state") != "a state" || q.Get("iss") != d.URL {
					t.Errorf("%v", q)
				}
				token, err = config.Exchange(ctx, r.URL.Query().Get("code"), oauth2.VerifierOption(verifier))
				fmt.Fprintln(w, "arrived")
			})
			p := servertest.NewPerson(t)
			p.Go(config.AuthCodeURL("a state", gooidc.Nonce("a nonce"), oauth2.S256ChallengeOption(verifier)))
			signIn(p, ana).MustBeAt("/login/consent").Submit(map[string]string{"allow": "1"}).MustBeAt("/callback")
			if err != nil {
				t.Fatal(err)
			}
			check := func(token *oauth2.Token) {
				t.Helper()
				raw, _ := token.Extra("id_token").(string)
				id, err := provider.Verifier(&gooidc.Config{ClientID: "real", SupportedSigningAlgs: []string{alg}}).Verify(ctx, raw)
				if err != nil {
					t.Fatal(err)
				}
				if err := id.VerifyAccessToken(token.AccessToken); err != nil || id.Nonce != "a nonce" {
					t.Errorf("%v, nonce %q", err, id.Nonce)
				}
				who, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
				if err != nil || who.Subject != id.Subject || who.Email != ana || !who.EmailVerified {
					t.Errorf("%v %v", who, err)
				}
			}
			check(token)
			again, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
			if err != nil {
				t.Fatal(err)
			}
			check(again)
		})
	}
}

// So does one on zitadel's rp package, which brings its own handlers.
func TestRelyingPartyZitadel(t *testing.T) {
	for _, alg := range []string{"RS256", "ES256"} {
		t.Run(alg, func(t *testing.T) {
			d := start(t)
			address, mux := product(t, d, alg)
			cookies := httphelper.NewCookieHandler([]byte(strings.Repeat("k", 32)), nil, httphelper.WithUnsecure())
			party, err := zitadel.NewRelyingPartyOIDC(t.Context(), d.URL, "real", secret, address+"/callback", []string{"openid", "profile", "email", "offline_access"},
				zitadel.WithPKCE(cookies), zitadel.WithCookieHandler(cookies), zitadel.WithAuthStyle(oauth2.AuthStyleInHeader),
				zitadel.WithVerifierOpts(zitadel.WithSupportedSigningAlgorithms(alg)))
			if err != nil {
				t.Fatal(err)
			}
			var tokens *oidc.Tokens[*oidc.IDTokenClaims]
			var who *oidc.UserInfo
			arrived := func(w http.ResponseWriter, _ *http.Request, got *oidc.Tokens[*oidc.IDTokenClaims], _ string, _ zitadel.RelyingParty, info *oidc.UserInfo) {
				tokens, who = got, info
				fmt.Fprintln(w, "arrived")
			}
			mux.Handle("/login", zitadel.AuthURLHandler(func() string { return "a state" }, party))
			mux.Handle("/callback", zitadel.CodeExchangeHandler(zitadel.UserinfoCallback(arrived), party))
			p := servertest.NewPerson(t)
			p.Go(address + "/login")
			signIn(p, ana).MustBeAt("/login/consent").Submit(map[string]string{"allow": "1"}).MustBeAt("/callback").MustRead("arrived")
			if tokens.IDTokenClaims.Subject != who.Subject || who.Email != ana || tokens.IDTokenClaims.AuthenticationContextClassReference != acr1FA {
				t.Errorf("%v %v", tokens.IDTokenClaims, who)
			}
			ctx := context.WithoutCancel(t.Context())
			again, err := zitadel.RefreshTokens[*oidc.IDTokenClaims](ctx, party, tokens.RefreshToken, "", "")
			if err != nil || again.AccessToken == tokens.AccessToken {
				t.Fatalf("refresh: %v", err)
			}
			to, err := zitadel.EndSession(ctx, party, again.IDToken, address+"/bye", "bye state", "", nil)
			if err != nil {
				t.Fatal(err)
			}
			// The library asks without the person's cookies, and leads the browser to
			// where it was told: there the session ends, and the way back begins.
			mux.HandleFunc("/bye", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "bye") })
			if p.Go(to.String()).MustRead("bye"); p.URL.String() != address+"/bye?state=bye+state" {
				t.Errorf("at %s by %s", p.URL, to)
			}
			p.Go(address + "/login").MustBeAt("/login/password")
			if err := zitadel.RevokeToken(ctx, party, again.RefreshToken, "refresh_token"); err != nil {
				t.Errorf("revoke: %v", err)
			}
			if _, err := zitadel.RefreshTokens[*oidc.IDTokenClaims](ctx, party, again.RefreshToken, "", ""); err == nil {
				t.Error("revoked, and refreshed")
			}
		})
	}
}
