import type { RequestListener } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { isDownloadLink } from '../src/coda/base-url.js'
import { createCodaClient } from '../src/coda/coda-client.js'
import { CodaError } from '../src/coda/errors.js'
import type { ExportDownload } from '../src/coda/export-download.js'
import { createFakeClock } from './support/fake-clock.js'
import { type Listening, listen } from './support/listen.js'

const token = 'canary-coda-token-1c7e'
const expired = '<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>'

const open: Listening[] = []

afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

/** Downloads from a storage that answers as given. */
async function download(
  storage: RequestListener,
  options: { readonly maxResponseBytes?: number; readonly deadlineMs?: number } = {},
): Promise<ExportDownload> {
  const server = await listen(storage)
  open.push(server)
  const baseUrl = `${server.origin}/apis/v1`
  const coda = createCodaClient({ baseUrl, clock: createFakeClock(), ...options })
  return await coda.downloadExport({ link: `${server.origin}/blobs/x` }, { token })
}

function answer(
  status: number,
  body: string | Buffer,
  headers: Record<string, string> = {},
): RequestListener {
  return (_request, response) => void response.writeHead(status, headers).end(body)
}

describe('downloadExport()', () => {
  it.each([
    ['plain', answer(200, '# Ä')],
    ['gzip', answer(200, gzipSync('# Ä'), { 'content-encoding': 'gzip' })],
    ['gzip that does not say so', answer(200, gzipSync('# Ä'))],
    ['plain behind a byte order mark', answer(200, '\uFEFF# Ä')],
  ])('reads a body that is %s', async (_what, storage) => {
    expect(await download(storage)).toEqual({ kind: 'content', content: '# Ä' })
  })

  it.each([
    ['403 with XML', answer(403, expired)],
    ['401, which says nothing of the token that was not sent', answer(401, expired)],
    ['200 with XML', answer(200, expired)],
    ['200 with XML in gzip', answer(200, gzipSync(expired), { 'content-encoding': 'gzip' })],
    ['200 with XML without a declaration', answer(200, '<Error><Code>x</Code></Error>')],
    ['404', answer(404, 'gone')],
    ['410', answer(410, 'gone')],
  ])('takes %s for a link that has run out', async (_what, storage) => {
    expect(await download(storage)).toEqual({ kind: 'stale' })
  })

  it.each(['<p>&lt;Error&gt; is a tag</p>', 'The <Error> tag', '<Errors>', ''])(
    'takes %j for content',
    async (content) => {
      expect(await download(answer(200, content))).toEqual({ kind: 'content', content })
    },
  )

  it('P07 sends neither the token nor anything else of the caller', async () => {
    let headers: unknown
    await download((request, response) => {
      headers = request.headers
      response.end('x')
    })
    expect(headers).not.toHaveProperty('authorization')
    expect(JSON.stringify(headers)).not.toContain(token)
  })

  it('follows no redirect', async () => {
    const elsewhere = await listen(answer(200, 'secret'))
    open.push(elsewhere)
    let asked = false
    elsewhere.server.on('request', () => {
      asked = true
    })
    await expect(download(answer(302, '', { location: elsewhere.origin }))).rejects.toThrow(
      /a redirect/,
    )
    expect(asked).toBe(false)
  })

  it.each([
    ['plain', answer(200, 'x'.repeat(1_001))],
    ['gzip', answer(200, gzipSync('x'.repeat(1_001)), { 'content-encoding': 'gzip' })],
    ['gzip that does not say so', answer(200, gzipSync('x'.repeat(1_001)))],
  ])('stops behind the largest size, %s', async (_what, storage) => {
    const maxResponseBytes = 1_000
    await expect(download(storage, { maxResponseBytes })).rejects.toThrow(/more than 1000 bytes/)
    const fits = answer(200, gzipSync('x'.repeat(1_000)))
    expect(await download(fits, { maxResponseBytes })).toMatchObject({ kind: 'content' })
  })

  it('reports damaged gzip', async () => {
    const damaged = gzipSync('x'.repeat(100)).subarray(0, 15)
    await expect(download(answer(200, damaged))).rejects.toThrow(/damaged gzip/)
  })

  it('tries again after 500 and a broken connection', async () => {
    let count = 0
    const result = await download((request, response) => {
      count += 1
      if (count === 1) request.socket.destroy()
      else if (count === 2) response.writeHead(500).end()
      else response.end('x')
    })
    expect([count, result]).toEqual([3, { kind: 'content', content: 'x' }])
  })

  it('does not try again after 400', async () => {
    let count = 0
    const failure = download((_request, response) => {
      count += 1
      response.writeHead(400).end()
    })
    await expect(failure).rejects.toMatchObject({ status: 400, retryable: false })
    expect(count).toBe(1)
  })

  it('ends at its deadline', async () => {
    const error = await download(() => {}, { deadlineMs: 100 }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(CodaError)
    expect(error).toMatchObject({ code: 'coda_timeout', retryable: true })
  })
})

describe('isDownloadLink()', () => {
  const api = 'https://coda.io/apis/v1'
  const local = 'http://127.0.0.1:4010/apis/v1'

  it.each([
    ['https', 'https://storage.example/x?sig=1', api],
    ['https for a local API', 'https://storage.example/x', local],
    ['http on loopback for a local API', 'http://localhost:4010/blobs/x', local],
  ])('accepts %s', (_what, link, base) => {
    expect(isDownloadLink(link, base)).toBe(true)
  })

  it.each([
    ['http', 'http://storage.example/x', api],
    ['http for a local API', 'http://storage.example/x', local],
    ['loopback for a remote API', 'https://127.0.0.1/x', api],
    ['IPv6 loopback for a remote API', 'https://[::1]/x', api],
    ['an address', 'https://169.254.169.254/latest/meta-data', api],
    ['an address in IPv6', 'https://[::ffff:10.0.0.1]/x', api],
    ['an address in one number', 'https://2130706433/x', api],
    ['a name that ends in a dot', 'https://localhost./x', api],
    ['a name below localhost', 'https://db.localhost/x', local],
    ['a name without a domain', 'https://postgres/x', api],
    ['credentials', 'https://a:b@storage.example/x', api],
    ['a file', 'file:///etc/passwd', local],
    ['data', 'data:text/plain,x', api],
    ['a path', '/blobs/x', api],
  ])('refuses %s', (_what, link, base) => {
    expect(isDownloadLink(link, base)).toBe(false)
  })
})
