import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { recordFigure } from '../../../../test/security/support/figures.js'
import { fetchJson, MAX_DOCUMENT_BYTES, withDeadline } from '../../src/jwt/json-fetch.js'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

async function serve(listener: RequestListener): Promise<{ url: string; hits: string[] }> {
  const hits: string[] = []
  const server = createServer((request, response) => {
    hits.push(request.url ?? '')
    listener(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/jwks`, hits }
}

const read = (url: string, milliseconds = 3000): ReturnType<typeof fetchJson> =>
  withDeadline(
    milliseconds,
    (signal) => fetchJson(url, globalThis.fetch, signal),
    () => ({ ok: false, reason: 'timeout' }),
  )

describe('fetchJson()', () => {
  it('returns the document and its Cache-Control', async () => {
    const { url } = await serve((_request, response) => {
      response.setHeader('cache-control', 'max-age=5')
      response.end('{"keys":[]}')
    })
    expect(await read(url)).toEqual({ ok: true, document: { keys: [] }, cacheControl: 'max-age=5' })
  })

  it.each([301, 302, 303, 307, 308])('K12 does not follow a %d', async (status) => {
    const target = await serve((_request, response) => response.end('{"keys":[]}'))
    const { url } = await serve((_request, response) => {
      response.writeHead(status, { location: target.url }).end()
    })
    expect(await read(url)).toEqual({ ok: false, reason: 'redirected' })
    expect(target.hits).toEqual([])
  })

  it.each([204, 400, 404, 429, 500, 503])('takes %d for a failure', async (status) => {
    const { url } = await serve((_request, response) => {
      response.writeHead(status).end(status === 204 ? undefined : '{"keys":[]}')
    })
    expect(await read(url)).toEqual({ ok: false, reason: 'http_status' })
  })

  it.each([
    ['HTML', '<html></html>'],
    ['an array', '[]'],
    ['null', 'null'],
    ['nothing', ''],
    ['a half document', '{"keys":['],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ])('refuses %s', async (_name, body) => {
    const { url } = await serve((_request, response) => response.end(body))
    expect(await read(url)).toEqual({ ok: false, reason: 'not_json' })
  })

  it('K13 accepts exactly 512 KiB and refuses one byte more', async () => {
    const { url } = await serve((request, response) => {
      const size = MAX_DOCUMENT_BYTES + (request.url === '/jwks?more' ? 1 : 0)
      const frame = '{"a":""}'
      response.end(`{"a":"${'x'.repeat(size - frame.length)}"}`)
    })
    expect(await read(url)).toMatchObject({ ok: true })
    expect(await read(`${url}?more`)).toEqual({ ok: false, reason: 'body_too_large' })
  })

  it('K13 counts decompressed bytes', async () => {
    const bomb = gzipSync(`{"a":"${'x'.repeat(50_000_000)}"}`)
    expect(bomb.length).toBeLessThan(MAX_DOCUMENT_BYTES)
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
    })
    expect(await read(url)).toEqual({ ok: false, reason: 'body_too_large' })
  })

  it('K13 stops reading an endless body', async () => {
    let sent = 0
    let gone = false
    const { url } = await serve((_request, response) => {
      const chunk = Buffer.alloc(64 * 1024, 0x20)
      const pump = (): void => {
        while (!gone) {
          sent += chunk.length
          if (!response.write(chunk)) break
        }
      }
      response.on('drain', pump)
      response.on('close', () => {
        gone = true
      })
      pump()
    })
    const before = process.memoryUsage.rss()
    expect(await read(url)).toEqual({ ok: false, reason: 'body_too_large' })
    // The cap, and what was on its way in socket buffers. The goal is 20 MB.
    expect(sent).toBeLessThan(20_000_000)
    recordFigure({
      id: 'R14',
      part: 'endless-key-set',
      values: { 'bytes taken of an endless key set (MB)': Math.round(sent / 1e5) / 10 },
      isMet: true,
      method: 'A server on loopback sends a key set without end; what it could send is counted.',
    })
    expect(process.memoryUsage.rss() - before).toBeLessThan(60_000_000)
  })

  it('K15 holds one deadline over a body that drips', async () => {
    const { url } = await serve((_request, response) => {
      response.write('{')
      const timer = setInterval(() => response.write(' '), 100)
      response.on('close', () => clearInterval(timer))
    })
    const start = performance.now()
    expect(await read(url, 600)).toEqual({ ok: false, reason: 'timeout' })
    expect(performance.now() - start).toBeLessThan(1500)
  })

  it('calls a refused connection a network error, without its text', async () => {
    const { url } = await serve(() => undefined)
    await closers.pop()?.()
    expect(await read(url)).toEqual({ ok: false, reason: 'network_error' })
  })

  it('ends at the deadline even when fetch ignores its signal', async () => {
    const result = await withDeadline(
      20,
      (signal) => fetchJson('https://as.test', () => new Promise(() => undefined), signal),
      () => ({ ok: false, reason: 'timeout' }) as const,
    )
    expect(result).toEqual({ ok: false, reason: 'timeout' })
  })

  it('P05 resolves when a custom fetch answers with no response', async () => {
    const fetch = (async () => undefined) as unknown as typeof globalThis.fetch
    const result = await fetchJson('https://as.test', fetch, new AbortController().signal)
    expect(result).toEqual({ ok: false, reason: 'network_error' })
  })

  it('sends no cookies, credentials or redirect permission', async () => {
    let sent: RequestInit | undefined
    const fetch: typeof globalThis.fetch = async (_url, init) => {
      sent = init
      return Response.json({})
    }
    await fetchJson('https://as.test', fetch, new AbortController().signal)
    expect(sent).toMatchObject({ method: 'GET', redirect: 'manual' })
    expect(Object.keys(sent?.headers ?? {})).toEqual(['accept'])
  })
})
