// A product that proves who it is by a key, pushes and signs its requests, and holds bound tokens.
import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import * as oidc from 'openid-client'
import * as bank from './bank.mjs'
import { Browser } from './browser.mjs'

const story = JSON.parse(await text(process.stdin))
const pair = () => crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
const keys = await pair()
const config = await bank.register({
  issuer: story.issuer, initialAccessToken: story.initial_access_token, redirectUri: story.redirect_uri, keys,
})
const DPoP = oidc.getDPoPHandle(config, await pair())

const browser = new Browser(story.product)
const { url, kept } = await bank.begin(config, story.redirect_uri, keys, DPoP)
assert.match(url, /request_uri=urn/)
await browser.go(url)
await browser.submit({ username: story.email, password: story.password })
await browser.submit({ allow: '1' }) // what registered itself is nobody's own product
assert.ok(browser.url.startsWith(story.redirect_uri + '?response='), `came back to ${browser.url}: ${browser.page}`)
const tokens = await bank.finish(config, browser.url, kept, DPoP)
assert.equal(tokens.token_type, 'dpop')
const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP })
const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
const told = await oidc.tokenIntrospection(config, refreshed.access_token)

// The key is what counts: another one opens nothing.
const other = oidc.getDPoPHandle(config, await pair())
await assert.rejects(oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP: other }))
const bare = await fetch(config.serverMetadata().userinfo_endpoint, { headers: { authorization: `Bearer ${tokens.access_token}` } })
assert.equal(bare.status, 401)
// Nor does the reference a second time.
await browser.go(url)
assert.ok(!browser.url.startsWith(story.product), browser.url)

console.log(JSON.stringify({ token_type: tokens.token_type, userinfo, active: told.active, jkt: told.cnf?.jkt, claims: refreshed.claims() }))
