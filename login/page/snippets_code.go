package page

// Code as it is shown, with the product's particulars to be filled in. Go, Node
// and Python do what the files in cmd/sallyport/interop do, which are run
// against a real provider.

const goSnippet = `
package signin

import (
	"context"
	"errors"
	"net/url"
{{- if not .Public}}
	"os"
{{- end}}
{{- if .StepUp}}
	"slices"
{{- end}}

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const issuer = {{go .Issuer}}

// SignIn signs people in; made once, when the product starts.
type SignIn struct {
	oauth2   oauth2.Config
	verifier *oidc.IDTokenVerifier
}

func NewSignIn(ctx context.Context) (*SignIn, error) {
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleIn{{if or .Public .Post}}Params{{else}}Header{{end}}
	return &SignIn{
		oauth2: oauth2.Config{
			ClientID: {{go .ClientID}},{{if not .Public}} ClientSecret: os.Getenv("SALLYPORT_CLIENT_SECRET"),{{end}} Endpoint: endpoint,
			RedirectURL: {{go .RedirectURI}}, Scopes: []string{ {{- range $i, $s := .Scopes}}{{if $i}}, {{end}}{{go $s}}{{end -}} },
		},
		verifier: provider.Verifier(&oidc.Config{ClientID: {{go .ClientID}}, SupportedSigningAlgs: []string{ {{- go .Alg -}} }}),
	}, nil
}

// Kept is what to keep in the visitor's session between Begin and Finish.
type Kept struct{ State, Nonce, Verifier string }

// Begin says where to send the browser.
func (s *SignIn) Begin(more ...oauth2.AuthCodeOption) (string, Kept) {
	kept := Kept{oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier()}
	more = append(more, oidc.Nonce(kept.Nonce), oauth2.S256ChallengeOption(kept.Verifier))
	return s.oauth2.AuthCodeURL(kept.State, more...), kept
}

// Claims are what an ID token says of the sign-in.
type Claims struct {
	Subject string ` + "`json:\"sub\"`" + `
{{- if .StepUp}}
	ACR     string ` + "`json:\"acr\"`" + `
{{- end}}
}

// Finish is for the redirect URI, with the query of the request.
func (s *SignIn) Finish(ctx context.Context, answer url.Values, kept Kept) (*Claims, error) {
	if kept.State == "" || answer.Get("state") != kept.State || answer.Get("iss") != issuer {
		return nil, errors.New("an answer to another question")
	}
	if answer.Has("error") {
		return nil, errors.New(answer.Get("error")) // access_denied: the person cancelled
	}
	token, err := s.oauth2.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(kept.Verifier))
	if err != nil {
		return nil, err
	}
	raw, _ := token.Extra("id_token").(string)
	idToken, err := s.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if idToken.Nonce != kept.Nonce {
		return nil, errors.New("another sign-in's ID token")
	}
	claims := new(Claims)
	return claims, idToken.Claims(claims)
}
{{- if .StepUp}}

// TwoFactors says whether the sign-in proved two: ask before an action that needs them.
func (c *Claims) TwoFactors() bool {
	return slices.Contains([]string{ {{- range $i, $s := .Levels}}{{if $i}}, {{end}}{{go $s}}{{end -}} }, c.ACR)
}

// DemandTwoFactors goes into Begin where TwoFactors says no.
func DemandTwoFactors() oauth2.AuthCodeOption {
	return oauth2.SetAuthURLParam("claims", {{go .Demand}})
}
{{- end}}
`

const nodeSnippet = `
import * as oidc from 'openid-client' // version 6

const redirectUri = {{json .RedirectURI}}

// Once, when the product starts.
const issuer = new URL({{json .Issuer}})
const execute = [oidc.enableNonRepudiationChecks] // check signatures, not TLS alone
if (issuer.hostname === 'localhost') execute.push(oidc.allowInsecureRequests)
const config = await oidc.discovery(
  issuer,
  {{json .ClientID}},
  { id_token_signed_response_alg: {{json .Alg}} },
  {{if .Public}}oidc.None(){{else if .Post}}oidc.ClientSecretPost(process.env.SALLYPORT_CLIENT_SECRET){{else}}oidc.ClientSecretBasic(process.env.SALLYPORT_CLIENT_SECRET){{end}},
  { execute },
)

// begin says where to send the browser. Keep kept in the visitor's session until finish.
export async function begin(more = {}) {
  const kept = { verifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState(), nonce: oidc.randomNonce() }
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: {{json .Scope}},
    state: kept.state,
    nonce: kept.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(kept.verifier),
    code_challenge_method: 'S256',
    ...more,
  })
  return { url: url.href, kept }
}

// finish is for the redirect URI; currentUrl is the address the browser came back to.
export async function finish(currentUrl, kept) {
  const tokens = await oidc.authorizationCodeGrant(config, new URL(currentUrl), {
    pkceCodeVerifier: kept.verifier,
    expectedState: kept.state,
    expectedNonce: kept.nonce,
    idTokenExpected: true,
  })
  return tokens.claims()
}
{{- if .StepUp}}

// twoFactors says whether the sign-in proved two: ask before an action that needs them.
export const twoFactors = (claims) => [{{range $i, $s := .Levels}}{{if $i}}, {{end}}{{json $s}}{{end}}].includes(claims.acr)

// demandTwoFactors goes into begin where twoFactors says no: begin(demandTwoFactors).
export const demandTwoFactors = { claims: {{json .Demand}} }
{{- end}}
`

const pythonSnippet = `
import os
from urllib.parse import parse_qs, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session  # Authlib 1.9
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

ISSUER = {{json .Issuer}}
CLIENT_ID = {{json .ClientID}}
REDIRECT_URI = {{json .RedirectURI}}

# Once, when the product starts.
METADATA = requests.get(ISSUER + "/.well-known/openid-configuration", timeout=10).json()


def session():
    return OAuth2Session(
        CLIENT_ID, os.environ["SALLYPORT_CLIENT_SECRET"], token_endpoint_auth_method={{json .AuthMethod}},
        scope={{json .Scope}}, redirect_uri=REDIRECT_URI, code_challenge_method="S256", default_timeout=10,
    )


def begin(**more):
    """Where to send the browser, and what to keep in the visitor's session until finish."""
    kept = {"verifier": generate_token(64), "nonce": generate_token(), "state": generate_token()}
    url, _ = session().create_authorization_url(
        METADATA["authorization_endpoint"],
        state=kept["state"], nonce=kept["nonce"], code_verifier=kept["verifier"], **more,
    )
    return url, kept


def finish(current_url, kept):
    """For the redirect URI: the claims of the ID token, after all that must hold was checked."""
    answer = {name: values[0] for name, values in parse_qs(urlsplit(current_url).query).items()}
    if answer.get("state") != kept["state"] or answer.get("iss") != ISSUER:
        raise ValueError("an answer to another question")
    if "error" in answer:
        raise PermissionError(answer["error"])  # access_denied: the person cancelled
    tokens = session().fetch_token(
        METADATA["token_endpoint"], grant_type="authorization_code",
        code=answer["code"], code_verifier=kept["verifier"], redirect_uri=REDIRECT_URI,
    )
    keys = KeySet.import_key_set(requests.get(METADATA["jwks_uri"], timeout=10).json())  # cache for five minutes
    token = jwt.decode(tokens["id_token"], keys, algorithms=[{{json .Alg}}])
    claims = CodeIDToken(
        token.claims, token.header,
        {"iss": {"essential": True, "value": ISSUER}, "aud": {"essential": True, "value": CLIENT_ID}},
        {"client_id": CLIENT_ID, "nonce": kept["nonce"], "access_token": tokens["access_token"]},
    )
    claims.validate(leeway=30)
    return claims
{{- if .StepUp}}


def two_factors(claims):
    """Whether the sign-in proved two: ask before an action that needs them."""
    return claims["acr"] in ({{range $i, $s := .Levels}}{{if $i}}, {{end}}{{json $s}}{{end}})


# Goes into begin where two_factors says no: begin(**DEMAND_TWO_FACTORS).
DEMAND_TWO_FACTORS = {"claims": {{json .Demand}}}
{{- end}}
`
