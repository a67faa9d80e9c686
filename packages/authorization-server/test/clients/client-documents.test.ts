import type { RequestListener } from 'node:http'
import { createServer, Socket } from 'node:net'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { recordFigure } from '../../../../test/security/support/figures.js'
import { createClientDocuments } from '../../src/clients/client-documents.js'
import type { ClientDocumentsOptions } from '../../src/clients/client-documents-options.js'
import type { ClientDocuments } from '../../src/clients/client-policy.js'
import { type Certificates, createCertificates, hasOpenssl } from './certificates.js'
import { type ClientHost, startClientHost } from './client-host.js'

const HOST = 'client.example'
const START = Date.parse('2026-11-21T12:00:00Z')
const MINUTE = 60_000

// The certificates are made by the openssl program.
describe.skipIf(!hasOpenssl)('createClientDocuments()', () => {
  let certificates: Certificates
  let host: ClientHost
  let now = START
  const opened: (ClientDocuments | ClientHost)[] = []

  const idOf = (path: string, name = HOST) => `https://${name}:${host.port}/${path}`
  const documentOf = (id: string, members: object = {}) => ({
    client_id: id,
    client_name: 'Client',
    redirect_uris: ['https://client.example/cb'],
    ...members,
  })
  /** Publishes at each path the document that belongs there. */
  const publish =
    (headers: Record<string, string> = {}, members: object = {}): RequestListener =>
    (request, response) => {
      const id = `https://${request.headers.host}${request.url}`
      response.writeHead(200, { 'content-type': 'application/json', ...headers })
      response.end(JSON.stringify(documentOf(id, members)))
    }

  function open(options: ClientDocumentsOptions = {}): ClientDocuments {
    const documents = createClientDocuments({
      ports: [host.port],
      ca: certificates.ca,
      lookup: async () => ['127.0.0.1'],
      dangerouslyAllowAddresses: ['127.0.0.1'],
      now: () => now,
      ...options,
    })
    opened.push(documents)
    return documents
  }

  async function start(...parameters: Parameters<typeof startClientHost>): Promise<ClientHost> {
    const another = await startClientHost(...parameters)
    opened.push(another)
    return another
  }

  beforeAll(() => {
    certificates = createCertificates()
  })
  beforeEach(async () => {
    now = START
    host = await start(certificates.good)
    host.answer(publish())
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
    for (const each of opened.splice(0).reverse()) await each.close()
  })

  it('finds a client', async () => {
    const id = idOf('client.json')
    expect(await open().find(id)).toEqual({
      kind: 'found',
      metadata: {
        client_name: 'Client',
        redirect_uris: ['https://client.example/cb'],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
        application_type: 'web',
      },
    })
    expect(host.connections()).toBe(1)
  })

  it.each([
    (port: number) => `http://${HOST}:${port}/a`,
    (port: number) => `https://${HOST}:${port}`,
    (port: number) => `https://${HOST}:${port}/a#b`,
    (port: number) => `https://u:p@${HOST}:${port}/a`,
    (port: number) => `https://${HOST}:${port}/a/../b`,
    (port: number) => `https://${HOST}:${port}/./a`,
    (port: number) => `https://127.0.0.1:${port}/a`,
    (port: number) => `https://${HOST}:${port === 65_535 ? 1 : port + 1}/a`,
    () => 'dcr_abc',
    () => '',
  ])('M01 looks up nothing for an id that is none: %s', async (write) => {
    const lookup = vi.fn(async () => ['127.0.0.1'])
    expect(await open({ lookup }).find(write(host.port))).toMatchObject({ kind: 'invalid' })
    expect(lookup).not.toHaveBeenCalled()
    expect(host.connections()).toBe(0)
  })

  it('takes documents only from the hosts that are allowed', async () => {
    const documents = open({ allowHosts: [`*.${HOST}`] })
    expect(await documents.find(idOf('a', `one.${HOST}`))).toMatchObject({ kind: 'found' })
    const refused = { kind: 'invalid', reason: 'host_not_allowed' }
    expect(await documents.find(idOf('a'))).toEqual(refused)
    expect(host.connections()).toBe(1)
  })

  it.each([
    '127.0.0.1',
    '127.8.8.8',
    '0.0.0.0',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '::1',
    '::',
    '::ffff:127.0.0.1',
    '::ffff:169.254.169.254',
    '::127.0.0.1',
    '64:ff9b::127.0.0.1',
    '64:ff9b::169.254.169.254',
    '2002:7f00:1::',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%lo',
    'not an address',
  ])('M02 opens no connection to %s', async (address) => {
    const connect = vi.spyOn(Socket.prototype, 'connect')
    const refused = { kind: 'invalid', reason: 'address_not_public' }
    for (const addresses of [[address], ['8.8.8.8', address], [address, '2606:4700::1111']]) {
      const documents = open({ lookup: async () => addresses, dangerouslyAllowAddresses: [] })
      expect(await documents.find(idOf('client.json'))).toEqual(refused)
    }
    expect(connect).not.toHaveBeenCalled()
    expect(host.connections()).toBe(0)
    recordFigure({
      id: 'R17',
      part: `address-${Buffer.from(address).toString('hex')}`,
      values: { 'forms tried': 3, connections: 0 },
      isMet: true,
      method:
        'A client whose host resolves to the address, alone and beside public ones; calls of connect are counted.',
    })
  })

  it('M02 opens one connection to an address that is allowed', async () => {
    const connect = vi.spyOn(Socket.prototype, 'connect')
    expect(await open().find(idOf('client.json'))).toMatchObject({ kind: 'found' })
    expect(connect).toHaveBeenCalledTimes(1)
  })

  it('M05 connects to the address that was checked, whatever DNS says next', async () => {
    const other = await start(certificates.good, { address: '127.0.0.2', port: host.port })
    const answers = [['127.0.0.1'], ['127.0.0.2']]
    const lookup = vi.fn(async () => answers.shift() ?? ['127.0.0.3'])
    const documents = open({ lookup })
    expect(await documents.find(idOf('a'))).toMatchObject({ kind: 'found' })
    expect(lookup).toHaveBeenCalledTimes(1)
    // The host moves to an address that is not allowed, between two fetches.
    expect(await documents.find(idOf('b'))).toEqual({
      kind: 'invalid',
      reason: 'address_not_public',
    })
    expect([host.connections(), other.connections()]).toEqual([1, 0])
    recordFigure({
      id: 'R17',
      part: 'rebinding',
      values: { 'forms tried': 1, connections: 0 },
      isMet: true,
      method: 'DNS answers another address after the check; connections to it are counted.',
    })
  })

  it.each([301, 302, 303, 307, 308])('M07 does not follow a %i', async (status) => {
    const target = await start(certificates.good)
    target.answer(publish())
    const id = idOf('client.json')
    for (const location of [
      `${id}/`,
      id,
      `https://${HOST}:${target.port}/a`,
      'http://127.0.0.1/',
    ]) {
      host.answer((_request, response) => response.writeHead(status, { location }).end())
      expect(await open({ ports: [host.port, target.port] }).find(id)).toEqual({
        kind: 'invalid',
        reason: 'redirected',
      })
    }
    expect(host.requests).toHaveLength(4)
    expect(target.connections()).toBe(0)
  })

  it('M08 takes a document of 5 KiB and refuses one more byte, announced or not', async () => {
    const id = idOf('client.json')
    const padded = (length: number) => JSON.stringify(documentOf(id)).padEnd(length)
    const tooLarge = { kind: 'invalid', reason: 'too_large' }
    const serve = (body: string, headers: Record<string, string | number>) =>
      host.answer((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', ...headers })
        response.end(body)
      })
    for (const chunked of [true, false]) {
      for (const length of [5120, 5121]) {
        const headers = chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': length }
        serve(padded(length), headers)
        const result = await open().find(id)
        if (length === 5120) expect(result).toMatchObject({ kind: 'found' })
        else expect(result).toEqual(tooLarge)
      }
    }
  })

  it('M08 hangs up on a body that announces 6000 bytes, before any of them', async () => {
    const ended = new Promise<boolean>((resolve) => {
      host.answer((_request, response) => {
        response.on('close', () => resolve(response.writableEnded))
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '6000' })
        response.flushHeaders()
      })
    })
    const refused = { kind: 'invalid', reason: 'too_large' }
    expect(await open().find(idOf('client.json'))).toEqual(refused)
    expect(await ended).toBe(false)
  })

  it('M08 hangs up on a body that never ends', async () => {
    const ended = new Promise<boolean>((resolve) => {
      host.answer((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        const timer = setInterval(() => response.write(' '.repeat(500)), 5)
        response.on('error', () => undefined)
        response.on('close', () => {
          clearInterval(timer)
          resolve(response.writableEnded)
        })
      })
    })
    const refused = { kind: 'invalid', reason: 'too_large' }
    expect(await open().find(idOf('client.json'))).toEqual(refused)
    expect(await ended).toBe(false)
  })

  it('M10 gives up after 3 seconds in every phase, and serves others meanwhile', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const address = silent.address()
    const silentPort = typeof address === 'object' && address !== null ? address.port : 0
    const timers: NodeJS.Timeout[] = []
    host.answer((request, response) => {
      if (request.url === '/headers') return
      if (request.url === '/half') response.socket?.write('HTTP/1.1 200 OK\r\ncontent-type: appl')
      else if (request.url === '/drip') {
        response.writeHead(200, { 'content-type': 'application/json' })
        timers.push(setInterval(() => response.write(' '), 200))
      } else publish()(request, response)
    })
    const documents = open({
      ports: [host.port, silentPort],
      lookup: (name) =>
        name.startsWith('slow') ? new Promise(() => undefined) : Promise.resolve(['127.0.0.1']),
    })
    const began = performance.now()
    const stuck = [
      idOf('headers'),
      idOf('half'),
      idOf('drip'),
      idOf('lookup', 'slow.example'),
      `https://${HOST}:${silentPort}/handshake`,
    ].map((id) => documents.find(id))

    expect(await documents.find(idOf('good'))).toMatchObject({ kind: 'found' })
    expect(performance.now() - began).toBeLessThan(1500)

    const results = await Promise.all(stuck)
    const took = performance.now() - began
    for (const timer of timers) clearInterval(timer)
    silent.close()
    expect(results).toEqual(stuck.map(() => ({ kind: 'unavailable', reason: 'timeout' })))
    expect(took).toBeGreaterThan(2900)
    expect(took).toBeLessThan(3500)
  })

  it('M11 keeps nothing of a document that names another client', async () => {
    const documents = open()
    const id = idOf('client.json')
    host.answer(publish({ 'cache-control': 'max-age=3600' }, { client_id: `${id}/` }))
    expect(await documents.find(id)).toEqual({ kind: 'invalid', reason: 'client_id_differs' })
    host.answer(publish())
    expect(await documents.find(id)).toMatchObject({ kind: 'found' })
  })

  it('M13 refuses a document with a secret or without a name', async () => {
    const documents = open()
    const cases = [
      [{ client_secret: 'canary' }, 'contains_secret'],
      [{ token_endpoint_auth_method: 'client_secret_post' }, 'auth_method_not_allowed'],
      [{ client_name: undefined }, 'client_name_missing'],
      [{ redirect_uris: undefined }, 'invalid_redirect_uri'],
    ] as const
    for (const [members, reason] of cases) {
      host.answer(publish({}, members))
      expect(await documents.find(idOf('client.json'))).toEqual({ kind: 'invalid', reason })
    }
  })

  it.each([
    ['text/html', undefined],
    ['application/json5', undefined],
    ['text/json', undefined],
    ['application/jsonp', undefined],
    ['', undefined],
    ['application/json', 'gzip'],
  ])('refuses the content type "%s" with the encoding %s', async (type, encoding) => {
    const headers = encoding === undefined ? {} : { 'content-encoding': encoding }
    host.answer(publish({ 'content-type': type, ...headers }))
    expect(await open().find(idOf('client.json'))).toMatchObject({ kind: 'invalid' })
  })

  it.each(['application/json; charset=utf-8', 'APPLICATION/JSON', 'application/cimd+json'])(
    'takes the content type "%s"',
    async (type) => {
      host.answer(publish({ 'content-type': type }))
      expect(await open().find(idOf('client.json'))).toMatchObject({ kind: 'found' })
    },
  )

  it.each([
    ['no-store', 1],
    ['max-age=0', 1],
    ['max-age=10', 1],
    ['max-age=600', 10],
    ['max-age=315360000', 24 * 60],
  ])('M15 keeps a document with "%s" for %i minutes and no longer', async (value, minutes) => {
    const documents = open()
    const id = idOf('client.json')
    host.answer(publish({ 'cache-control': value }))
    await documents.find(id)
    now += minutes * MINUTE - 1
    await documents.find(id)
    expect(host.requests).toHaveLength(1)
    now += 1
    expect(await documents.find(id)).toMatchObject({ kind: 'found' })
    expect(host.requests).toHaveLength(2)
  })

  it.each([
    [404, 'invalid', 'not_found'],
    [410, 'invalid', 'not_found'],
    [204, 'unavailable', 'status_not_ok'],
    [403, 'unavailable', 'status_not_ok'],
    [429, 'unavailable', 'status_not_ok'],
    [500, 'unavailable', 'status_not_ok'],
  ])('M15 never keeps a %i', async (status, kind, reason) => {
    const documents = open()
    const id = idOf('client.json')
    host.answer((_request, response) => {
      response.writeHead(status, { 'cache-control': 'max-age=3600' })
      response.end(JSON.stringify(documentOf(id)))
    })
    expect(await documents.find(id)).toEqual({ kind, reason })
    host.answer(publish())
    expect(await documents.find(id)).toMatchObject({ kind: 'found' })
  })

  it('M15 does not keep a document longer when the clock is set back', async () => {
    const documents = open()
    await documents.find(idOf('client.json'))
    now -= 1
    await documents.find(idOf('client.json'))
    expect(host.requests).toHaveLength(2)
  })

  it('M16 serves a document until it expires, fails closed, and then sees the change', async () => {
    const documents = open()
    const id = idOf('client.json')
    host.answer(publish({ 'cache-control': 'max-age=600' }))
    await documents.find(id)
    host.answer((_request, response) => response.writeHead(500).end())
    now += 10 * MINUTE - 1
    expect(await documents.find(id)).toMatchObject({ kind: 'found' })
    now += 1
    expect(await documents.find(id)).toEqual({ kind: 'unavailable', reason: 'status_not_ok' })
    const redirect_uris = ['https://client.example/other']
    host.answer(publish({}, { redirect_uris }))
    expect(await documents.find(id)).toMatchObject({ metadata: { redirect_uris } })
  })

  it('M18 fetches once for 50 lookups at once', async () => {
    const documents = open()
    const lookups = Array.from({ length: 50 }, () => documents.find(idOf('client.json')))
    for (const result of await Promise.all(lookups)) expect(result).toMatchObject({ kind: 'found' })
    expect(host.connections()).toBe(1)
  })

  it('M18 fetches at most 30 of 1,000 documents of one host in a minute', async () => {
    const documents = open()
    const reasons = new Map<string, number>()
    for (let index = 0; index < 1000; index += 1) {
      now += 59
      const result = await documents.find(idOf(`${index}`))
      const reason = result.kind === 'found' ? 'found' : result.reason
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    }
    expect(Object.fromEntries(reasons)).toEqual({ found: 30, host_budget_used: 970 })
    expect(host.connections()).toBe(30)
    // What is kept costs nothing, another host has its own budget, and the minute passes.
    expect(await documents.find(idOf('0'))).toMatchObject({ kind: 'found' })
    expect(await documents.find(idOf('a', `one.${HOST}`))).toMatchObject({ kind: 'found' })
    now += MINUTE
    expect(await documents.find(idOf('1000'))).toMatchObject({ kind: 'found' })
  })

  it('M18 rejects at once what exceeds the budget of all hosts, failures counted', async () => {
    const documents = open({ fetchesPerMinute: 5 })
    host.answer((_request, response) => response.writeHead(404).end())
    for (let index = 0; index < 5; index += 1) {
      expect(await documents.find(idOf('a', `h${index}.${HOST}`))).toMatchObject({
        reason: 'not_found',
      })
    }
    const used = { kind: 'unavailable', reason: 'budget_used' }
    expect(await documents.find(idOf('a', `h5.${HOST}`))).toEqual(used)
    expect(host.connections()).toBe(5)
    now += MINUTE
    expect(await documents.find(idOf('a', `h5.${HOST}`))).toMatchObject({ reason: 'not_found' })
  })

  it('M18 fetches a limited number at the same time', async () => {
    const documents = open({ fetchesAtOnce: 2 })
    const ids = ['a', 'b', 'c'].map((path) => idOf(path))
    const results = await Promise.all(ids.map((id) => documents.find(id)))
    expect(results.map(({ kind }) => kind)).toEqual(['found', 'found', 'unavailable'])
    expect(await documents.find(idOf('c'))).toMatchObject({ kind: 'found' })
  })

  it('M21 sends a bare GET', async () => {
    for (const name of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'ALL_PROXY']) {
      vi.stubEnv(name, 'http://127.0.0.1:9')
    }
    vi.stubEnv('NODE_USE_ENV_PROXY', '1')
    let peer: object | undefined
    host.answer((request, response) => {
      // A server socket of https; without a client certificate this object is empty.
      peer = Reflect.get(request.socket, 'getPeerCertificate').call(request.socket)
      publish({ 'set-cookie': 'a=b' })(request, response)
    })
    const documents = open()
    expect(await documents.find(idOf('client.json?x=1'))).toMatchObject({ kind: 'found' })
    await documents.find(idOf('other'))
    expect(peer).toEqual({})
    expect(host.connections()).toBe(2)
    for (const request of host.requests) {
      expect(request.method).toBe('GET')
      expect(request.headers).toEqual({
        host: `${HOST}:${host.port}`,
        accept: 'application/json',
        'accept-encoding': 'identity',
        'user-agent': 'mcp-authorization-server',
        connection: 'close',
      })
    }
    expect(host.requests[0]?.url).toBe('/client.json?x=1')
  })

  it.each(['expired', 'otherHost', 'selfSigned'] as const)(
    'M22 refuses a certificate that is %s, also where the environment turns the check off',
    async (name) => {
      const other = await start(certificates[name])
      other.answer(publish())
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
      const id = `https://${HOST}:${other.port}/client.json`
      expect(await open({ ports: [other.port] }).find(id)).toEqual({
        kind: 'unavailable',
        reason: 'certificate_not_trusted',
      })
      expect(other.requests).toHaveLength(0)
    },
  )

  it('M22 refuses a certificate of an authority that Node.js does not know', async () => {
    expect(await open({ ca: undefined }).find(idOf('a'))).toEqual({
      kind: 'unavailable',
      reason: 'certificate_not_trusted',
    })
  })

  it('cannot find what has no address, refuses connections or breaks off', async () => {
    const unavailable = (reason: string) => ({ kind: 'unavailable', reason })
    const none = open({ lookup: async () => [] })
    expect(await none.find(idOf('a'))).toEqual(unavailable('host_not_resolved'))
    const failing = open({ lookup: () => Promise.reject(new Error('canary')) })
    expect(await failing.find(idOf('a'))).toEqual(unavailable('host_not_resolved'))
    host.answer((_request, response) => response.socket?.destroy())
    expect(await open().find(idOf('a'))).toEqual(unavailable('connection_failed'))
    host.answer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '900' })
      response.write('{')
      setImmediate(() => response.socket?.destroy())
    })
    expect(await open().find(idOf('a'))).toEqual(unavailable('connection_failed'))
    host.answer((_request, response) => {
      response.socket?.write(
        'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
      )
    })
    expect(await open().find(idOf('a'))).toEqual(unavailable('connection_failed'))
  })

  it('ends what is under way when it is closed, and finds nothing after that', async () => {
    const documents = open()
    await documents.find(idOf('kept'))
    host.answer(() => documents.close())
    const closed = { kind: 'unavailable', reason: 'closed' }
    expect(await documents.find(idOf('a'))).toEqual(closed)
    expect(await documents.find(idOf('kept'))).toEqual(closed)
    documents.close()
  })
})
