import { Socket } from 'node:net'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createPublicFetch } from '../../src/clients/public-fetch.js'
import { type Certificates, createCertificates, hasOpenssl } from './certificates.js'
import { type ClientHost, startClientHost } from './client-host.js'

describe.skipIf(!hasOpenssl)('createPublicFetch()', () => {
  let certificates: Certificates
  let host: ClientHost | undefined

  beforeAll(() => {
    certificates = createCertificates()
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await host?.close()
    host = undefined
  })

  async function open(options: { readonly allow?: readonly string[]; readonly limit?: number }) {
    host = await startClientHost(certificates.good)
    host.answer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/jwk-set+json' }).end('{"keys":[]}')
    })
    const fetch = createPublicFetch({
      ca: certificates.ca,
      lookup: async () => ['127.0.0.1'],
      dangerouslyAllowAddresses: options.allow ?? ['127.0.0.1'],
      ...(options.limit === undefined ? {} : { limit: options.limit }),
    })
    return { fetch, host, url: `https://client.example:${host.port}/jwks` }
  }

  it('reads a key set', async () => {
    const { fetch, url } = await open({})
    const response = await fetch(url)
    expect(response.headers.get('content-type')).toBe('application/jwk-set+json')
    expect(await response.json()).toEqual({ keys: [] })
  })

  it.each([204, 304, 404])('gives back a status %i without a body or a type', async (status) => {
    const { fetch, host, url } = await open({})
    host.answer((_request, response) => response.writeHead(status).end())
    const response = await fetch(url)
    expect([response.status, response.headers.get('content-type'), response.body]).toEqual([
      status,
      null,
      null,
    ])
  })

  it('gives an answer without a type none', async () => {
    const { fetch, host, url } = await open({})
    host.answer((_request, response) => response.writeHead(200).end('{}'))
    expect((await fetch(url)).headers.get('content-type')).toBeNull()
  })

  it('M02 opens no connection to an address that is not public, by name or as it is', async () => {
    const { fetch, host, url } = await open({ allow: [] })
    const connect = vi.spyOn(Socket.prototype, 'connect')
    const literals = ['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0177.0.0.1']
    await expect(fetch(url)).rejects.toThrow('address_not_public')
    // Node.js connects to an address without a lookup, so that no answer of DNS may speak for it.
    const lying = createPublicFetch({ lookup: async () => ['8.8.8.8'] })
    for (const name of literals) {
      const literal = `https://${name}:${host.port}/jwks`
      await expect(lying(literal)).rejects.toThrow('address_not_public')
    }
    expect(connect).not.toHaveBeenCalled()
  })

  it('M07 returns a redirect instead of following it', async () => {
    const { fetch, host, url } = await open({})
    host.answer((_request, response) => response.writeHead(302, { location: url }).end('body'))
    const response = await fetch(url)
    expect([response.status, await response.text()]).toEqual([302, ''])
    expect(host.requests).toHaveLength(1)
  })

  it('M08 reads no more than its limit', async () => {
    const { fetch, url } = await open({ limit: 10 })
    await expect(fetch(url)).rejects.toThrow('too_large')
  })

  it('sends nothing but a GET over https', async () => {
    const { fetch, url } = await open({})
    await expect(fetch(url, { method: 'POST' })).rejects.toThrow(TypeError)
    await expect(fetch(url.replace('https', 'http'))).rejects.toThrow(TypeError)
    await expect(fetch(url.replace('//', '//u:p@'))).rejects.toThrow(TypeError)
    await expect(fetch(url, { signal: AbortSignal.abort() })).rejects.toThrow('closed')
  })
})
