package interop

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/sallyport-id/sallyport/cmd/sallyport/interop/relyingparty"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

// Go, with coreos/go-oidc.
func TestGo(t *testing.T) {
	for _, alg := range []string{"ES256", "RS256"} {
		t.Run(alg, func(t *testing.T) {
			s := begin(t, alg)
			s.check(t, s.goThrough(t))
		})
	}
}

func (s story) goThrough(t *testing.T) (out learned) {
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	rp, err := relyingparty.Connect(ctx, s.Issuer, s.ClientID, s.ClientSecret, s.RedirectURI)
	must(err)
	ana := servertest.NewPerson(t, s.Product)
	signIn := func(pages map[string]string, more ...oauth2.AuthCodeOption) (*oauth2.Token, relyingparty.Kept, *relyingparty.Claims) {
		t.Helper()
		to, kept := rp.Begin(more...)
		if ana.Go(to); pages != nil {
			ana.Submit(pages)
		}
		token, c, err := rp.Finish(ctx, ana.URL.Query(), kept)
		must(err)
		return token, kept, c
	}

	first, kept, c := signIn(map[string]string{"username": s.Email, "password": s.Password})
	if c.TwoFactors(0) {
		t.Error("a password alone passes for two factors")
	}
	out.First = idToken(t, first)
	must(rp.Userinfo(ctx, first, &out.Userinfo))

	stepped, _, c := signIn(map[string]string{"code": s.Code}, relyingparty.DemandTwoFactors(15*time.Minute))
	if !c.TwoFactors(15 * time.Minute) {
		t.Errorf("password and code don't pass for two factors: %+v", c)
	}
	out.Stepped = idToken(t, stepped)
	again, _, _ := signIn(nil, relyingparty.DemandTwoFactors(15*time.Minute), oauth2.SetAuthURLParam("prompt", "none"))
	out.Again = idToken(t, again)

	refreshed, err := rp.Refresh(ctx, first.RefreshToken)
	must(err)
	if _, err := rp.Verify(ctx, refreshed, kept.Nonce); err != nil || refreshed.RefreshToken == first.RefreshToken {
		t.Errorf("refreshed: %v, rotated: %t", err, refreshed.RefreshToken != first.RefreshToken)
	}
	out.Refreshed = idToken(t, refreshed)

	if ana.Go(rp.SignOut(stepped.Extra("id_token").(string), s.PostLogoutURI)); ana.URL.String() != s.PostLogoutURI {
		t.Errorf("signed out to %s", ana.URL)
	}
	if _, err := rp.Refresh(ctx, refreshed.RefreshToken); err == nil || !strings.Contains(err.Error(), "invalid_grant") {
		t.Errorf("a refresh token after its session: %v", err)
	}
	header, err := base64.RawURLEncoding.DecodeString(strings.Split(first.Extra("id_token").(string), ".")[0])
	must(err)
	must(json.Unmarshal(header, &out))
	return out
}

// idToken reads what the client has verified.
func idToken(t *testing.T, token *oauth2.Token) (c claims) {
	t.Helper()
	b, err := json.Marshal(servertest.Claims(t, token.Extra("id_token").(string)))
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}
