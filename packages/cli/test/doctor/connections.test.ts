import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { classifyFailure } from '../../src/doctor/http/connection-failure.js'
import { createProber, type Probe } from '../../src/doctor/http/prober.js'
import { runDoctor } from '../../src/doctor/run-doctor.js'
import { temporaryFolder } from '../support/command-line.js'
import { json } from './broken-servers/exchange.js'
import { healthy } from './broken-servers/healthy.js'
import { startSite } from './broken-servers/site.js'
import { fakeFetch, networkError } from './support/answers.js'

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

/** A port on which nothing listens any more. */
async function closedPort(): Promise<number> {
  const server = createServer()
  const port = await listen(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

function selfSigned(): { readonly key: string; readonly cert: string } {
  const folder = temporaryFolder()
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const files = ['-keyout', key, '-out', cert]
  execFileSync('openssl', ['req', '-x509', ...curve, ...names, ...files], { stdio: 'ignore' })
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
}

describe('runDoctor() at a server that cannot be reached', () => {
  it('tells a refused connection', async () => {
    const url = `http://127.0.0.1:${await closedPort()}/mcp`
    const { outcome, outage, checks } = await runDoctor({ url })
    expect([outcome, outage?.kind]).toEqual(['unreachable', 'refused'])
    expect(new Set(checks.map(({ status }) => status))).toEqual(new Set(['skipped']))
  })

  it('tells a name that does not exist', async () => {
    const { outage } = await runDoctor({ url: 'https://mcp-auth-doctor.invalid/mcp' })
    expect(outage?.kind).toBe('dns')
  })

  it.skipIf(!hasOpenssl)('tells a certificate that is not trusted', async () => {
    const server = createTlsServer(selfSigned(), (_request, response) => response.end())
    const { outage } = await runDoctor({ url: `https://127.0.0.1:${await listen(server)}/mcp` })
    expect([outage?.kind, outage?.message]).toEqual(['tls', expect.stringContaining('SELF_SIGNED')])
  })

  it('tells silence, within its deadline', async () => {
    const port = await listen(createServer(() => undefined))
    const before = performance.now()
    const url = `http://127.0.0.1:${port}/mcp`
    const { outage } = await runDoctor({ url, deadlines: { request: 200 } })
    expect([outage?.kind, performance.now() - before < 2000]).toEqual(['timeout', true])
  })

  it('tells something that is no HTTP', async () => {
    const port = await listen(createServer((socket) => socket.end('220 mail\r\n')))
    const { outage } = await runDoctor({ url: `http://127.0.0.1:${port}/mcp` })
    expect(outage?.kind).toBe('connection')
  })
})

describe('runDoctor() at a server of which a part cannot be reached', () => {
  it('blames the authorization server alone', async () => {
    const port = await closedPort()
    const site = await startSite({
      resourceMetadata: (urls, path) => ({
        ...healthy.resourceMetadata(urls, path),
        authorization_servers: [`http://127.0.0.1:${port}`],
      }),
    })
    onTestFinished(() => site.close())
    const { checks } = await runDoctor({ url: site.urls.resource })
    const complaints = checks.filter(({ findings }) => findings.length > 0)
    expect(complaints.map(({ id }) => id)).toEqual(['DR-8'])
    expect(complaints[0]?.reason).toContain('refused the connection')
  })

  it('skips what was not done when the run is over, and judges nothing by it', async () => {
    const site = await startSite()
    onTestFinished(() => site.close())
    const fetch: typeof globalThis.fetch = (input, init) => {
      const isMetadata = String(input).includes('/.well-known/')
      if (!isMetadata) return site.fetch(input, init)
      return new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(new Error('aborted')))
      })
    }
    const deadlines = { run: 300, request: 60_000 }
    const { checks, outcome } = await runDoctor({ url: site.urls.resource, fetch, deadlines })
    expect(checks.filter(({ findings }) => findings.length > 0)).toEqual([])
    expect(checks.find(({ id }) => id === 'DR-5')?.status).toBe('skipped')
    // Never green: most of the server was not seen.
    expect(outcome).toBe('incomplete')
  })
})

describe('createProber()', () => {
  function proberOver(fetch: typeof globalThis.fetch): Probe {
    return createProber({ fetch, deadline: 1000, signal: new AbortController().signal })
  }

  it('reads 64 KiB of an answer that does not end', async () => {
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(10_000).fill(97)),
    })
    const probe = proberOver(() => Promise.resolve(new Response(endless)))
    const { answer } = await probe({ url: 'https://a.example/' })
    expect(answer?.text).toHaveLength(65_536)
  })

  it('keeps what came before an answer broke off', async () => {
    const broken = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"a"')),
      pull: () => Promise.reject(new Error('reset')),
    })
    const probe = proberOver(() => Promise.resolve(new Response(broken)))
    const { answer } = await probe({ url: 'https://a.example/' })
    expect([answer?.text, answer?.json]).toEqual(['{"a"', undefined])
  })

  it('asks the same once, and anew what must be', async () => {
    let asked = 0
    const probe = proberOver(
      fakeFetch(() => {
        asked += 1
        return {}
      }),
    )
    const request = { url: 'https://a.example/' }
    await Promise.all([probe(request), probe(request), probe({ ...request, headers: { a: 'b' } })])
    expect(asked).toBe(2)
    await probe({ ...request, isFresh: true })
    expect(asked).toBe(3)
  })

  it('follows no redirect', async () => {
    const site = await startSite({
      unknown: () => ({ ...json(302, {}), headers: { location: '/b' } }),
    })
    onTestFinished(() => site.close())
    const { answer } = await proberOver(fetch)({ url: new URL('/a', site.urls.resource).href })
    expect([answer?.status, site.requests]).toEqual([302, ['GET /a']])
  })
})

describe('classifyFailure()', () => {
  const during = { isTimedOut: false, isRunOver: false }

  it.each([
    ['ENOTFOUND', 'dns'],
    ['EAI_AGAIN', 'dns'],
    ['ECONNREFUSED', 'refused'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls'],
    ['UND_ERR_CONNECT_TIMEOUT', 'timeout'],
    ['ECONNRESET', 'connection'],
    ['EHOSTUNREACH', 'connection'],
  ])('takes %s for %s', (code, kind) =>
    expect(classifyFailure(networkError(code), during)).toEqual({ kind, code }),
  )

  it('looks into the errors of several addresses', () => {
    const refused = Object.assign(new Error('x'), { code: 'ECONNREFUSED' })
    const cause = new AggregateError([refused, refused])
    expect(classifyFailure(new TypeError('fetch failed', { cause }), during).kind).toBe('refused')
  })

  it('never repeats the text of an error', () => {
    const failure = classifyFailure(new Error('canary', { cause: new Error('canary') }), during)
    expect(failure).toEqual({ kind: 'connection', code: 'UNKNOWN' })
  })
})
