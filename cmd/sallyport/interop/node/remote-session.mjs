import { begin, demandTwoFactors, twoFactors } from './sallyport.mjs'

// A remote session needs a second factor proved within 15 minutes; who hasn't is sent to prove it.
export async function startRemoteSession(config, visitor, redirectUri) {
  if (twoFactors(visitor.claims, 900)) return { start: true }
  const { url, kept } = await begin(config, redirectUri, demandTwoFactors(900))
  visitor.kept = kept // finish() wants it when the browser comes back
  return { redirect: url }
}
