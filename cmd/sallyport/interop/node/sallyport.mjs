// Signing in with Sallyport: openid-client 6.
import * as oidc from 'openid-client'

// connect reads the provider's discovery document; once, when your product starts.
export async function connect({ issuer, clientId, clientSecret, alg = 'ES256' }) {
  const url = new URL(issuer)
  const execute = [oidc.enableNonRepudiationChecks] // check signatures, not TLS alone
  if (url.hostname === 'localhost') execute.push(oidc.allowInsecureRequests)
  return oidc.discovery(url, clientId, { id_token_signed_response_alg: alg }, oidc.ClientSecretBasic(clientSecret), { execute })
}

// begin says where to send the browser. Keep `kept` in the visitor's session until finish.
export async function begin(config, redirectUri, more = {}) {
  const kept = { verifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState(), nonce: oidc.randomNonce() }
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: 'openid profile email roles',
    state: kept.state,
    nonce: kept.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(kept.verifier),
    code_challenge_method: 'S256',
    ...more,
  })
  return { url: url.href, kept }
}

// finish is for the redirect URI; currentUrl is the address the browser came back to.
export function finish(config, currentUrl, kept) {
  return oidc.authorizationCodeGrant(config, new URL(currentUrl), {
    pkceCodeVerifier: kept.verifier,
    expectedState: kept.state,
    expectedNonce: kept.nonce,
    idTokenExpected: true,
  })
}

// twoFactors says whether a sign-in proved two, the second at most maxAge seconds ago.
export function twoFactors(claims, maxAge = Infinity) {
  const enough = ['urn:sallyport:acr:2fa', 'phr', 'phrh'].includes(claims.acr)
  return enough && Date.now() / 1000 - claims.mfa_time <= maxAge
}

// demandTwoFactors goes into begin when twoFactors says no.
export function demandTwoFactors(maxAge) {
  const idToken = { acr: { essential: true, value: 'urn:sallyport:acr:2fa' } }
  if (maxAge !== undefined) idToken.mfa_time = { essential: true, max_age: maxAge }
  return { claims: JSON.stringify({ id_token: idToken }) }
}

// signOut says where to send the browser to end the session at the provider.
export function signOut(config, idToken, postLogoutRedirectUri) {
  return oidc.buildEndSessionUrl(config, { id_token_hint: idToken, post_logout_redirect_uri: postLogoutRedirectUri }).href
}
