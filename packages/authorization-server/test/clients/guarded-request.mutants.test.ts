import type { LookupAddress } from 'node:dns'
import type { RequestListener } from 'node:http'
import { createServer, Socket } from 'node:net'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { FetchFailure } from '../../src/clients/fetch-failure.js'
import { guardedRequest, type RequestGuard } from '../../src/clients/guarded-request.js'
import { createPublicFetch } from '../../src/clients/public-fetch.js'
import { type Certificates, createCertificates, hasOpenssl } from './certificates.js'
import { type ClientHost, startClientHost } from './client-host.js'

describe.skipIf(!hasOpenssl)('guardedRequest()', () => {
  let certificates: Certificates
  let host: ClientHost

  beforeAll(() => {
    certificates = createCertificates()
  })
  beforeEach(async () => {
    host = await startClientHost(certificates.good)
    host.answer((_request, response) => response.end('abc'))
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await host.close()
  })

  const urlOf = (port = host.port) => new URL(`https://client.example:${port}/a`)
  const guardOf = (change: Partial<RequestGuard> = {}): RequestGuard => ({
    resolve: async () => ['127.0.0.1'],
    isAllowed: () => true,
    ca: certificates.ca,
    deadlineMilliseconds: 10_000,
    limit: 3,
    ...change,
  })

  /** The answer, or `kind: reason` of the failure. */
  async function judge(
    change: Partial<RequestGuard> = {},
    { url = urlOf(), signal = new AbortController().signal } = {},
  ) {
    try {
      const { status, body } = await guardedRequest(url, guardOf(change), signal)
      return [status, Buffer.from(body).toString()]
    } catch (error) {
      if (!(error instanceof FetchFailure)) throw error
      return `${error.kind}: ${error.reason}`
    }
  }

  it('reads up to its limit, announced or not', async () => {
    expect(await judge()).toEqual([200, 'abc'])
    expect(await judge({ limit: 2 })).toBe('invalid: too_large')
    host.answer((_request, response) => {
      response.write('ab')
      setImmediate(() => response.end('c'))
    })
    expect(await judge()).toEqual([200, 'abc'])
    expect(await judge({ limit: 2 })).toBe('invalid: too_large')
  })

  it('reads no body of another status', async () => {
    host.answer((_request, response) => response.writeHead(201).end('abc'))
    expect(await judge()).toEqual([201, ''])
  })

  it('M10 gives up at its deadline, whatever it waits for', async () => {
    const deadlineMilliseconds = 30
    const never = () => new Promise<never>(() => undefined)
    expect(await judge({ deadlineMilliseconds, resolve: never })).toBe('unavailable: timeout')
    host.answer(() => undefined)
    expect(await judge({ deadlineMilliseconds: 300 })).toBe('unavailable: timeout')
    host.answer((_request, response) => response.write('a'))
    expect(await judge({ deadlineMilliseconds: 300 })).toBe('unavailable: timeout')
  })

  it('leaves no timer and no listener behind', async () => {
    const clear = vi.spyOn(globalThis, 'clearTimeout')
    const set = vi.spyOn(globalThis, 'setTimeout')
    const { signal } = new AbortController()
    const add = vi.spyOn(signal, 'addEventListener')
    const remove = vi.spyOn(signal, 'removeEventListener')
    await judge({ deadlineMilliseconds: 12_345 }, { signal })
    const index = set.mock.calls.findIndex(([, milliseconds]) => milliseconds === 12_345)
    expect(clear).toHaveBeenCalledWith(set.mock.results[index]?.value)
    const [listened] = add.mock.calls
    expect(listened).toEqual(['abort', expect.any(Function), { once: true }])
    expect(remove).toHaveBeenCalledWith('abort', listened?.[1])
  })

  it('is closed by its signal, before and during the request', async () => {
    const signal = AbortSignal.abort()
    const resolve = vi.fn(async () => ['127.0.0.1'])
    expect(await judge({ resolve }, { signal })).toBe('unavailable: closed')
    expect(host.connections()).toBe(0)
    const never = () => new Promise<never>(() => undefined)
    expect(await judge({ resolve: never }, { signal })).toBe('unavailable: closed')
    const controller = new AbortController()
    host.answer(() => controller.abort())
    expect(await judge({}, { signal: controller.signal })).toBe('unavailable: closed')
  })

  it('opens no connection once nobody waits any more', async () => {
    const connect = vi.spyOn(Socket.prototype, 'connect')
    const controller = new AbortController()
    const resolve = async () => {
      controller.abort()
      return ['127.0.0.1']
    }
    expect(await judge({ resolve }, { signal: controller.signal })).toBe('unavailable: closed')
    await new Promise((done) => setImmediate(done))
    expect(connect).not.toHaveBeenCalled()
  })

  it('ends the connection of an answer that it does not read', async () => {
    const ended = new Promise<boolean>((resolve) => {
      host.answer((_request, response) => {
        response.on('close', () => resolve(response.writableEnded))
        response.writeHead(404).write('a')
      })
    })
    expect(await judge()).toEqual([404, ''])
    expect(await ended).toBe(false)
  })

  it.each<[string, RequestListener]>([
    ['hangs up', (_request, response) => response.socket?.destroy()],
    ['answers no HTTP', (_request, response) => response.socket?.end('hello\r\n\r\n')],
    [
      'sends 17 KiB of headers',
      (_request, response) => response.writeHead(200, { x: 'a'.repeat(17 * 1024) }).end('abc'),
    ],
  ])('reports a host that %s as one that it cannot reach', async (_, listener) => {
    host.answer(listener)
    expect(await judge()).toBe('unavailable: connection_failed')
  })

  it('takes no answer that has two lengths', async () => {
    const body = '3\r\nabc\r\n0\r\n\r\n'
    const twoLengths = `content-length: ${body.length}\r\ntransfer-encoding: chunked`
    for (const head of ['transfer-encoding: chunked', twoLengths]) {
      host.answer((_request, response) =>
        response.socket?.end(`HTTP/1.1 200 OK\r\nconnection: close\r\n${head}\r\n\r\n${body}`),
      )
      const expected = head === twoLengths ? 'unavailable: connection_failed' : [200, 'abc']
      expect(await judge()).toEqual(expected)
    }
  })

  it('takes 15 KiB of headers', async () => {
    host.answer((_request, response) =>
      response.writeHead(200, { x: 'a'.repeat(15 * 1024) }).end('abc'),
    )
    expect(await judge()).toEqual([200, 'abc'])
  })

  it('tells a certificate that is not trusted from a connection that failed', async () => {
    const failed = 'unavailable: certificate_not_trusted'
    expect(await judge({ ca: undefined })).toBe(failed)
    for (const name of ['expired', 'otherHost', 'selfSigned'] as const) {
      const other = await startClientHost(certificates[name])
      expect(await judge({}, { url: urlOf(other.port) }), name).toBe(failed)
      await other.close()
    }
    const plain = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\n', () => socket.destroy()))
    })
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve))
    const address = plain.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const url = urlOf(port)
    expect(await judge({}, { url })).toBe('unavailable: certificate_not_trusted')
    await new Promise((resolve) => plain.close(resolve))
    expect(await judge({}, { url })).toBe('unavailable: connection_failed')
  })

  it('takes a code for one of TLS only by how it begins', async () => {
    const connect = vi.spyOn(Socket.prototype, 'connect')
    for (const [code, expected] of [
      ['CERT_X', 'certificate_not_trusted'],
      ['NO_CERT_X', 'connection_failed'],
    ] as const) {
      connect.mockImplementation(() => {
        throw Object.assign(new Error('x'), { code })
      })
      expect(await judge()).toBe(`unavailable: ${expected}`)
    }
  })

  it('keeps the cause of a failure, and passes a failure of its own on', async () => {
    const cause = new Error('ESERVFAIL')
    const resolve = () => Promise.reject(cause)
    const signal = new AbortController().signal
    const failure = guardedRequest(urlOf(), guardOf({ resolve }), signal)
    await expect(failure).rejects.toMatchObject({ reason: 'host_not_resolved', cause })
    host.answer((_request, response) => response.socket?.destroy())
    const broken = guardedRequest(urlOf(), guardOf(), signal)
    await expect(broken).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
  })

  it('M05 gives the connection every address that was checked', async () => {
    const lookups: unknown[] = []
    const connect = Socket.prototype.connect
    vi.spyOn(Socket.prototype, 'connect').mockImplementation(function (this: Socket, ...all) {
      const [first] = all.flat()
      const lookup: unknown = Reflect.get(Object(first), 'lookup')
      if (typeof lookup === 'function') {
        const note = (...results: unknown[]) => lookups.push(results)
        lookup('x.example', { all: true }, note)
        lookup('x.example', {}, note)
      }
      return Reflect.apply(connect, this, all)
    })
    const resolve = async () => ['127.0.0.1', '::1']
    expect(await judge({ resolve })).toEqual([200, 'abc'])
    const addresses: LookupAddress[] = [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ]
    expect(lookups).toEqual([
      [null, addresses],
      [null, '127.0.0.1', 4],
    ])
  })
})

describe('createPublicFetch()', () => {
  it.each([
    { limit: 0 },
    { limit: 1024 * 1024 + 1 },
    { limit: 1.5 },
    { deadlineMilliseconds: 10_001 },
    { other: 1 },
  ])('refuses the options %j', (options) => {
    expect(() => createPublicFetch(options)).toThrow('createPublicFetch')
  })

  it.each([{ limit: 1 }, { limit: 1024 * 1024 }, {}])('takes the options %j', (options) => {
    expect(createPublicFetch(options)).toBeTypeOf('function')
  })

  it.each([
    ['https://c.example/', { method: 'POST' }, 'only GET is supported'],
    ['http://c.example/', {}, 'only https URLs without a user name are supported'],
    ['https://u@c.example/', {}, 'only https URLs without a user name are supported'],
    ['https://:p@c.example/', {}, 'only https URLs without a user name are supported'],
  ])('refuses %s with %j', async (url, init, message) => {
    const lookup = vi.fn(async () => ['8.8.8.8'])
    await expect(createPublicFetch({ lookup })(url, init)).rejects.toThrow(message)
    expect(lookup).not.toHaveBeenCalled()
  })
})
