/* Bytes and requests of the page on which a person signs in. */
import { createBrowser } from './browser.mjs'
import { createClient } from './clients.mjs'
import { startServer } from './processes.mjs'

const LIMIT = 30_000
// What makes a browser ask for more than the page.
const REFERENCES =
  /<(?:script|img|link|iframe|source)\b[^>]*\b(?:src|href)="(?!data:)|url\((?!["']?data:)/gi

/** Measures and returns `{ bytes, requests, limit, met }`. */
export async function measureSignInPage(postgres) {
  const server = await startServer('ours', await postgres.createDatabase())
  const client = await createClient(server)
  const { html } = await createBrowser(server.origin).open(client.authorizeUrl().href)
  server.stop()
  if (!html.includes('/login/dev')) throw new Error('this is not the page to sign in')
  const bytes = Buffer.byteLength(html)
  const requests = 1 + (html.match(REFERENCES)?.length ?? 0)
  return { bytes, requests, limit: LIMIT, met: bytes <= LIMIT && requests === 1 }
}
