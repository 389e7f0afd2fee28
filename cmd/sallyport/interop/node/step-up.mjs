// Calling an API that may want a second factor (RFC 9470): openid-client 6.
import * as oidc from 'openid-client'

// call gives the API's answer, or else what to ask of Sallyport: send the browser to begin(config, redirectUri, ask), and
// call again with the new token.
export async function call(config, accessToken, url, method = 'GET') {
  try {
    return { answer: await oidc.fetchProtectedResource(config, accessToken, new URL(url), method) }
  } catch (error) {
    if (!(error instanceof oidc.WWWAuthenticateChallengeError)) throw error
    const wants = error.cause.find(({ parameters }) => parameters.error === 'insufficient_user_authentication')
    if (!wants) throw error
    return { ask: ask(wants.parameters) }
  }
}

// A standard API says acr_values and max_age. Where it says that a fresh second factor will do, the password is spared.
function ask({ acr_values: acr, max_age: maxAge, mfa_max_age: mfaMaxAge }) {
  const more = {}
  if (acr) more.acr_values = acr
  if (mfaMaxAge) more.claims = JSON.stringify({ id_token: { mfa_time: { max_age: Number(mfaMaxAge) } } })
  else if (maxAge) more.max_age = maxAge
  return more
}
