import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createClientDocuments } from '../../src/clients/client-documents.js'
import { type Certificates, createCertificates, hasOpenssl } from '../clients/certificates.js'
import { type ClientHost, startClientHost } from '../clients/client-host.js'
import { createBrowser } from '../engine/support/browser.js'
import {
  authorize,
  authorizeUrl,
  codeForm,
  createVerifier,
  postToken,
  REDIRECT_URI,
  refresh,
} from '../engine/support/flow.js'
import { startServer, type TestServer } from '../engine/support/server.js'
import { from } from './support.js'

const HOST = 'client.example'
const { challenge } = createVerifier()

// The certificates are made by the openssl program.
describe.skipIf(!hasOpenssl)('fetching metadata documents', () => {
  let certificates: Certificates
  let host: ClientHost
  let server: TestServer
  const idOf = (path: string) => `https://${HOST}:${host.port}/${path}`
  const fetched = () => host.requests.length

  beforeAll(() => {
    certificates = createCertificates()
  })
  beforeEach(async () => {
    host = await startClientHost(certificates.good)
    host.answer((request, response) => {
      if (request.url?.includes('bad')) {
        response.writeHead(404).end()
        return
      }
      const body = {
        client_id: `https://${request.headers.host}${request.url}`,
        client_name: 'Documented app',
        redirect_uris: [REDIRECT_URI],
        grant_types: ['authorization_code', 'refresh_token'],
      }
      const caching = request.url?.includes('short') ? { 'cache-control': 'max-age=60' } : {}
      response
        .writeHead(200, { 'content-type': 'application/json', ...caching })
        .end(JSON.stringify(body))
    })
    const documents = createClientDocuments({
      ports: [host.port],
      ca: certificates.ca,
      lookup: async () => ['127.0.0.1'],
      dangerouslyAllowAddresses: ['127.0.0.1'],
      now: () => Date.now(),
    })
    server = await startServer({
      rateLimits: { clientDocuments: { points: 3, durationSeconds: 60 } },
      trustProxy: 1,
      parts: { documents },
    })
  })
  afterEach(async () => {
    await server.close()
    await host.close()
  })

  const visit = (id: string) =>
    createBrowser(server.origin).open(authorizeUrl(server, id, challenge))

  it('is limited by address for what is not cached', async () => {
    await from('198.51.100.1', async () => {
      for (const path of ['a', 'b', 'c']) expect((await visit(idOf(path))).status).toBe(200)
      const refused = await visit(idOf('d'))
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60'])
      expect(refused.html).toContain('Too many attempts')
      expect(fetched()).toBe(3)
      // What others have had fetched is there for everybody.
      for (const path of ['a', 'b', 'c', 'a']) expect((await visit(idOf(path))).status).toBe(200)
    })
    expect((await from('198.51.100.2', () => visit(idOf('d')))).status).toBe(200)
    expect((await from('198.51.100.1', () => visit(idOf('d')))).status).toBe(200)
  })

  it('counts documents that are not there, which nothing caches', async () => {
    const statuses = []
    for (const path of ['bad', 'bad', 'bad', 'bad']) {
      statuses.push((await visit(idOf(path))).status)
    }
    expect(statuses).toEqual([400, 400, 400, 429])
    expect(fetched()).toBe(3)
  })

  it('shares one fetch, and one count, among requests at the same time', async () => {
    const pages = await Promise.all(Array.from({ length: 20 }, () => visit(idOf('a'))))
    expect(pages.every(({ status }) => status === 200)).toBe(true)
    expect(fetched()).toBe(1)
  })

  it('does not refuse others what one address may not have fetched', async () => {
    await from('198.51.100.1', async () => {
      for (const path of ['a', 'b', 'c']) await visit(idOf(path))
    })
    const attempts: Promise<number>[] = []
    const open = (address: string) =>
      fetch(authorizeUrl(server, idOf('d'), challenge), {
        headers: { 'x-forwarded-for': address },
        redirect: 'manual',
      }).then(({ status }) => status)
    for (let n = 0; n < 5; n += 1) {
      attempts.push(open('198.51.100.1'), open('198.51.100.2'))
    }
    const statuses = await Promise.all(attempts)
    expect(statuses.filter((_, index) => index % 2 === 1)).toEqual([303, 303, 303, 303, 303])
  })

  it('M18 counts what the pages of a sign-in have fetched, and the way back from them', async () => {
    const browser = createBrowser(server.origin)
    const signIn = await browser.open(authorizeUrl(server, idOf('short'), challenge))
    const consent = await signIn.submit('/login/dev', { subject: 'ann' })
    expect(consent.html).toContain('/consent')
    // The document is not cached any more, and its host is down.
    server.advance(61)
    host.answer((_, response) => response.writeHead(503).end())
    const before = fetched()
    const statuses = []
    for (let n = 0; n < 4; n += 1) statuses.push((await browser.request(consent.url)).status)
    expect(statuses).toEqual([400, 400, 400, 429])
    const resume = consent.url.replace('/oauth/interaction/', '/oauth/authorize/')
    expect((await browser.request(resume)).status).toBe(429)
    expect((await consent.submit('/consent')).status).toBe(429)
    expect(fetched() - before).toBe(3)
  })

  it('is 429 at the token endpoint, with nothing used up', async () => {
    const id = idOf('a')
    // The development login lets nobody in through a proxy.
    const { body } = await postToken(server, codeForm(id, await authorize(server, id)))
    server.advance(86_400)
    await from('198.51.100.1', async () => {
      for (const path of ['b', 'c', 'e']) await visit(idOf(path))
      const refused = await refresh(server, id, body.refresh_token)
      expect([refused.status, refused.body.error]).toEqual([429, 'temporarily_unavailable'])
      expect(refused.headers.get('retry-after')).toBe('60')
      server.advance(61)
      expect((await refresh(server, id, body.refresh_token)).status).toBe(200)
    })
  })
})
