package interop

import (
	"fmt"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/client/tokenexchange"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

const screenAndGateway = `
products:
  - id: screen
    name: Meeting screen
    auth_method: client_secret_post # as rp.DeviceAuthorization sends it
    secret_hash: %[1]s
    grant_types: ["urn:ietf:params:oauth:grant-type:device_code", refresh_token]
    first_party: true
  - id: gateway
    name: Gateway
    secret_hash: %[1]s
    redirect_uris: ["https://product.example/gateway"]
    grant_types: [authorization_code, "urn:ietf:params:oauth:grant-type:token-exchange"]
    token_exchange: {delegate: [screen]}
    first_party: true
`

// Go, with zitadel's rp package: a screen without a keyboard signs in (RFC
// 8628), and a gateway acts for the person with what the screen holds (RFC 8693).
func TestZitadelDeviceAndExchange(t *testing.T) {
	ctx, secret := t.Context(), storage.NewSecret()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	i, _ := withAna(t, fmt.Sprintf(declared, passwordHash, storage.Hash(secret), "ES256"))
	i.Apply(fmt.Sprintf(screenAndGateway, storage.Hash(secret)))
	screen, err := rp.NewRelyingPartyOIDC(ctx, i.URL, "screen", secret, "", []string{"openid", "email"}, rp.WithAuthStyle(oauth2.AuthStyleInParams),
		rp.WithVerifierOpts(rp.WithSupportedSigningAlgorithms("RS256")))
	must(err)
	shown, err := rp.DeviceAuthorization(ctx, []string{"openid", "email"}, screen, nil)
	must(err)

	ana := servertest.NewPerson(t)
	ana.Go(shown.VerificationURI).Submit(map[string]string{"user_code": shown.UserCode})
	ana.Submit(map[string]string{"go_on": "1"})
	ana.Submit(map[string]string{"username": "ana@acme.example", "password": demo.Password})
	ana.MustBeAt("/device/done")

	tokens, err := rp.DeviceAccessToken(ctx, shown.DeviceCode, time.Second, screen)
	must(err)
	claims, err := rp.VerifyTokens[*oidc.IDTokenClaims](ctx, tokens.AccessToken, tokens.IDToken, screen.IDTokenVerifier())
	must(err)
	info, err := rp.Userinfo[*oidc.UserInfo](ctx, tokens.AccessToken, tokens.TokenType, claims.Subject, screen)
	must(err)
	if info.Email != "ana@acme.example" || claims.AuthenticationContextClassReference != "urn:sallyport:acr:1fa" {
		t.Errorf("%+v %+v", info, claims)
	}

	gateway, err := tokenexchange.NewTokenExchangerClientCredentials(ctx, i.URL, "gateway", secret)
	must(err)
	exchanged, err := tokenexchange.ExchangeToken(ctx, gateway, tokens.AccessToken, oidc.AccessTokenType, "", "", nil, nil, nil, oidc.AccessTokenType)
	must(err)
	if exchanged.AccessToken == "" || exchanged.AccessToken == tokens.AccessToken || exchanged.IssuedTokenType != oidc.AccessTokenType {
		t.Errorf("%+v", exchanged)
	}
	if _, err := tokenexchange.ExchangeToken(ctx, gateway, exchanged.AccessToken, oidc.AccessTokenType, "", "", nil, nil, nil, ""); err == nil {
		t.Error("exchanged what it isn't registered for")
	}
}
