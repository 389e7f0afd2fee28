// Goes through the story that standard input describes, and writes what was learned to standard output.
import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import * as oidc from 'openid-client'
import { Browser } from './browser.mjs'
import { startRemoteSession } from './remote-session.mjs'
import * as sallyport from './sallyport.mjs'

const story = JSON.parse(await text(process.stdin))
const config = await sallyport.connect({
  issuer: story.issuer, clientId: story.client_id, clientSecret: story.client_secret, alg: story.alg,
})
const browser = new Browser(story.product)

async function signIn(more, pages) {
  const { url, kept } = await sallyport.begin(config, story.redirect_uri, more)
  await browser.go(url)
  await pages?.()
  assert.ok(browser.url.startsWith(story.redirect_uri + '?'), `came back to ${browser.url}: ${browser.page}`)
  return sallyport.finish(config, browser.url, kept)
}

// A password is enough to sign in.
const first = await signIn({}, () => browser.submit({ username: story.email, password: story.password }))
assert.equal(sallyport.twoFactors(first.claims()), false)
const userinfo = await oidc.fetchUserInfo(config, first.access_token, first.claims().sub)

// An action wants more: the code, once.
const visitor = { claims: first.claims() }
const { redirect } = await startRemoteSession(config, visitor, story.redirect_uri)
await browser.go(redirect)
await browser.submit({ code: story.code })
const stepped = await sallyport.finish(config, browser.url, visitor.kept)
assert.deepEqual(await startRemoteSession(config, { claims: stepped.claims() }, story.redirect_uri), { start: true })

// The next time nothing is asked, which prompt=none proves.
const again = await signIn({ ...sallyport.demandTwoFactors(900), prompt: 'none' })

// Refreshing gives new tokens that say what the first ones said.
const refreshed = await oidc.refreshTokenGrant(config, first.refresh_token)
assert.notEqual(refreshed.refresh_token, first.refresh_token)

// Signing out ends what the session gave.
await browser.go(sallyport.signOut(config, stepped.id_token, story.post_logout_redirect_uri))
assert.equal(browser.url, story.post_logout_redirect_uri)
await assert.rejects(oidc.refreshTokenGrant(config, refreshed.refresh_token), { error: 'invalid_grant' })

const { alg } = JSON.parse(Buffer.from(first.id_token.split('.')[0], 'base64url'))
console.log(JSON.stringify({
  alg, userinfo, first: first.claims(), stepped: stepped.claims(), again: again.claims(), refreshed: refreshed.claims(),
}))
