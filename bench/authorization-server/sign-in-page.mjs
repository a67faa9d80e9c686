/* Bytes and requests of the page on which a person signs in. */

import { measuredTable } from '../lib/measured-table.mjs'
import { createBrowser } from './browser.mjs'
import { createClient } from './clients.mjs'
import { startServer } from './processes.mjs'

// What makes a browser ask for more than the page.
const REFERENCES =
  /<(?:script|img|link|iframe|source)\b[^>]*\b(?:src|href)="(?!data:)|url\((?!["']?data:)/gi

export async function measureSignInPage(postgres) {
  const server = await startServer('ours', await postgres.createDatabase())
  const client = await createClient(server)
  const { html } = await createBrowser(server.origin).open(client.authorizeUrl().href)
  server.stop()
  if (!html.includes('/login/dev')) throw new Error('this is not the page to sign in')
  return measuredTable(
    'sign-in-page',
    'The page on which a person signs in',
    [
      ['bytes', 0],
      ['requests', 0],
    ],
    [
      {
        label: 'ours',
        role: 'ours',
        values: [Buffer.byteLength(html), 1 + (html.match(REFERENCES)?.length ?? 0)],
      },
    ],
  )
}
