// Signing in with Sallyport as FAPI 2.0 wants it: openid-client 6 with keys instead of a secret.
import * as oidc from 'openid-client'

// register registers a product with its public keys, once, by a token that the operator gave (sallyport client invite).
// Keep what config.clientMetadata() says.
export async function register({ issuer, initialAccessToken, redirectUri, keys }) {
  const url = new URL(issuer)
  const execute = [oidc.enableNonRepudiationChecks]
  if (url.hostname === 'localhost') execute.push(oidc.allowInsecureRequests)
  return oidc.dynamicClientRegistration(
    url,
    {
      client_name: 'Bank',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...(await crypto.subtle.exportKey('jwk', keys.publicKey)), kid: 'bank', use: 'sig', alg: 'ES256' }] },
      id_token_signed_response_alg: 'ES256',
      authorization_signed_response_alg: 'ES256',
      userinfo_signed_response_alg: 'ES256',
      require_pushed_authorization_requests: true,
      dpop_bound_access_tokens: true,
    },
    oidc.PrivateKeyJwt({ key: keys.privateKey, kid: 'bank' }),
    { initialAccessToken, execute: [...execute, oidc.useJwtResponseMode] },
  )
}

// begin pushes a signed request and says where to send the browser. Keep `kept` until finish.
export async function begin(config, redirectUri, keys, DPoP) {
  const kept = { verifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState(), nonce: oidc.randomNonce() }
  const signed = await oidc.buildAuthorizationUrlWithJAR(
    config,
    {
      redirect_uri: redirectUri,
      scope: 'openid profile email',
      state: kept.state,
      nonce: kept.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(kept.verifier),
      code_challenge_method: 'S256',
    },
    { key: keys.privateKey, kid: 'bank' },
  )
  const url = await oidc.buildAuthorizationUrlWithPAR(config, signed.searchParams, { DPoP })
  return { url: url.href, kept }
}

// finish opens the signed answer (JARM) and redeems the code with the key that the tokens are bound to.
export function finish(config, currentUrl, kept, DPoP) {
  return oidc.authorizationCodeGrant(
    config,
    new URL(currentUrl),
    { pkceCodeVerifier: kept.verifier, expectedState: kept.state, expectedNonce: kept.nonce, idTokenExpected: true },
    undefined,
    { DPoP },
  )
}
