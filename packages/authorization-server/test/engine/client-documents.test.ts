import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ClientDocumentResult, ClientMetadata } from '../../src/clients/client-policy.js'
import { createBrowser } from './support/browser.js'
import {
  authorize,
  authorizeUrl,
  codeForm,
  createVerifier,
  postToken,
  REDIRECT_URI,
  refresh,
} from './support/flow.js'
import { startServer, type TestServer } from './support/server.js'

const CLIENT = 'https://client.test/metadata.json'
const metadata: ClientMetadata = {
  client_name: 'Documented app',
  redirect_uris: [REDIRECT_URI],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
  application_type: 'web',
}

let server: TestServer
let result: ClientDocumentResult
const { challenge } = createVerifier()

beforeAll(async () => {
  const documents = { find: async () => result, close: () => undefined }
  server = await startServer({ parts: { documents } })
})
afterAll(() => server.close())
beforeEach(() => {
  result = { kind: 'found', metadata }
})

describe('clients by metadata document', () => {
  it('signs in, shows the host of the client id, and keeps no client record', async () => {
    const page = await createBrowser(server.origin).open(authorizeUrl(server, CLIENT, challenge))
    expect(page.html).toContain('client.test')
    const { status, body } = await postToken(
      server,
      codeForm(CLIENT, await authorize(server, CLIENT)),
    )
    expect(status).toBe(200)
    expect((await refresh(server, CLIENT, body.refresh_token)).status).toBe(200)
    expect(server.storage.state.rows.has(`Client ${CLIENT}`)).toBe(false)
  })

  it('M01 M11 M13 shows a page for a document that is not acceptable', async () => {
    result = { kind: 'invalid', reason: 'client_id_mismatch' }
    const page = await createBrowser(server.origin).open(authorizeUrl(server, CLIENT, challenge))
    expect([page.status, page.location]).toEqual([400, undefined])
  })

  it('M10 M16 shows a page, and is 503 at the token endpoint while the document cannot be fetched, never 401', async () => {
    const { body } = await postToken(server, codeForm(CLIENT, await authorize(server, CLIENT)))
    result = { kind: 'unavailable', reason: 'timeout' }
    const answer = await refresh(server, CLIENT, body.refresh_token)
    expect([answer.status, answer.body.error]).toEqual([503, 'temporarily_unavailable'])
    const page = await createBrowser(server.origin).open(authorizeUrl(server, CLIENT, challenge))
    expect([page.status, page.location]).toEqual([400, undefined])
    result = { kind: 'found', metadata }
    expect((await refresh(server, CLIENT, body.refresh_token)).status).toBe(200)
  })

  it('M19 lets a stored client win over a document at its id', async () => {
    const id = 'https://stored.test/client'
    await server.storage.records('Client').upsert(id, {
      ...metadata,
      client_id: id,
      client_name: 'Stored app',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    })
    const page = await createBrowser(server.origin).open(authorizeUrl(server, id, challenge))
    expect(page.html).toContain('Stored app')

    // What an operator turned off does not come back through a document at its id.
    await server.storage.clients.setActive(id, false)
    const off = await createBrowser(server.origin).open(authorizeUrl(server, id, challenge))
    expect([off.status, off.location]).toEqual([400, undefined])
  })
})
