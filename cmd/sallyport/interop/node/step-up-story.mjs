// Calls the API of the story with a password's token, steps up as it says, and calls again.
import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { Browser } from './browser.mjs'
import * as sallyport from './sallyport.mjs'
import { call } from './step-up.mjs'

const story = JSON.parse(await text(process.stdin))
const config = await sallyport.connect({
  issuer: story.issuer, clientId: story.client_id, clientSecret: story.client_secret, alg: story.alg,
})
const browser = new Browser(story.product)

async function signIn(more, fields) {
  const { url, kept } = await sallyport.begin(config, story.redirect_uri, more)
  await browser.go(url)
  await browser.submit(fields)
  return sallyport.finish(config, browser.url, kept)
}

let tokens = await signIn({}, { username: story.email, password: story.password })
const { answer: refused, ask } = await call(config, tokens.access_token, story.api, 'POST')
assert.equal(refused, undefined)

tokens = await signIn(ask, { code: story.code })
const { answer } = await call(config, tokens.access_token, story.api, 'POST')

// What isn't about the sign-in stays an error.
await assert.rejects(call(config, 'invented', story.api, 'POST'), { name: 'WWWAuthenticateChallengeError' })

console.log(JSON.stringify({ ask, status: answer.status }))
