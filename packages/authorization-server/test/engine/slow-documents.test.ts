import { SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ClientDocumentResult, ClientMetadata } from '../../src/clients/client-policy.js'
import type { RedirectLogin } from '../../src/login/login-provider.js'
import { type Browser, createBrowser } from './support/browser.js'
import {
  authorizeUrl,
  codeForm,
  createVerifier,
  postToken,
  REDIRECT_URI,
  register,
} from './support/flow.js'
import { startServer, type TestServer } from './support/server.js'

const CLIENT = 'https://slow.test/client'
const metadata: ClientMetadata = {
  client_name: 'Documented app',
  redirect_uris: [REDIRECT_URI],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
  application_type: 'web',
}
const found: ClientDocumentResult = { kind: 'found', metadata }
const down: ClientDocumentResult = { kind: 'unavailable', reason: 'timeout' }

const upstream: RedirectLogin = {
  kind: 'redirect',
  id: 'upstream',
  label: 'Upstream',
  async start() {
    const url = new URL('https://login.test/authorize?state=some-state')
    return {
      url,
      state: { provider: 'upstream', state: 'some-state', nonce: 'n', codeVerifier: 'v' },
    }
  },
  async finish() {
    const identity = { provider: 'upstream', issuer: 'https://login.test', subject: 'ann' }
    return { kind: 'identity', identity: { ...identity, email: 'ann@example.com' } }
  },
}

let server: TestServer
/** Lookups that wait for their document, in their order. */
let waiting: ((result: ClientDocumentResult) => void)[]
/** Lookups that are answered at once before any has to wait. */
let quickLookups: number
let lookups: number
let onWait: () => void

beforeEach(async () => {
  ;[waiting, quickLookups, lookups, onWait] = [[], Number.POSITIVE_INFINITY, 0, () => undefined]
  const documents = {
    find(): Promise<ClientDocumentResult> {
      lookups += 1
      if (lookups <= quickLookups) return Promise.resolve(found)
      return new Promise((resolve) => {
        waiting.push(resolve)
        onWait()
      })
    },
    close: () => undefined,
  }
  server = await startServer({
    login: [upstream],
    allow: { emails: ['ann@example.com'] },
    pushedAuthorizationRequests: true,
    parts: { documents },
  })
})
afterEach(() => server.close())

/** Lets documents come late from now on, after so many lookups. */
function slowDown(after = 0): void {
  lookups = 0
  quickLookups = after
}

function isWaiting(): Promise<void> {
  return new Promise((resolve) => {
    onWait = resolve
    if (waiting.length > 0) resolve()
  })
}

/** Tells whether others are served while a request waits for its document, which comes then. */
async function serveOthers<Value>(
  request: Promise<Value>,
  result: ClientDocumentResult,
): Promise<Value> {
  await isWaiting()
  // The transactions of this storage take turns, as those of an embedded database do.
  await register(server, { client_name: `App ${Math.random()}` })
  for (const resolve of waiting.splice(0)) resolve(result)
  return request
}

async function post(path: string, fields: Record<string, string>, headers = {}) {
  const response = await fetch(server.origin + path, {
    method: 'POST',
    headers,
    body: new URLSearchParams(fields),
  })
  const text = await response.text()
  return {
    status: response.status,
    body: text === '' ? {} : JSON.parse(text),
    headers: response.headers,
  }
}

const basic = {
  authorization: `Basic ${Buffer.from(`${encodeURIComponent(CLIENT)}:x`).toString('base64')}`,
}

async function assertion() {
  const token = await new SignJWT({ sub: CLIENT, iss: CLIENT, jti: 'j' })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new Uint8Array(32))
  const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
  return { client_assertion: token, client_assertion_type: type }
}

const named = [
  ['in the form', async () => [{ client_id: CLIENT }, {}] as const],
  ['by Basic', async () => [{}, basic] as const],
  ['by an assertion', async () => [await assertion(), {}] as const],
] as const

describe.each([
  ['/oauth/token', { grant_type: 'refresh_token', refresh_token: 'unknown' }],
  ['/oauth/revoke', { token: 'unknown' }],
])('M10 a document that comes late at %s', (path, fields) => {
  it.each(named)('holds nobody else up, and is read once: named %s', async (_, credentials) => {
    slowDown()
    const [form, headers] = await credentials()
    const answer = await serveOthers(post(path, { ...fields, ...form }, headers), down)
    expect([answer.status, answer.body.error]).toEqual([503, 'temporarily_unavailable'])
    expect(lookups).toBe(1)
  })

  it('is 401 when it is no good', async () => {
    slowDown()
    const invalid: ClientDocumentResult = { kind: 'invalid', reason: 'not_found' }
    const answer = await serveOthers(post(path, fields, basic), invalid)
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client'])
    expect(answer.headers.get('www-authenticate')).toContain('Basic')
    expect(lookups).toBe(1)
  })

  it('is not read for a client that does not name it, nor for one that is stored', async () => {
    slowDown()
    await server.storage
      .records('Client')
      .upsert(CLIENT, { ...metadata, client_id: CLIENT } as never)
    const stored = await post(path, { ...fields, client_id: CLIENT })
    expect(stored.status).toBe(path === '/oauth/revoke' ? 200 : 400)
    await server.storage.clients.setActive(CLIENT, false)
    expect((await post(path, { ...fields, client_id: CLIENT })).status).toBe(401)
    expect((await post(path, fields)).status).toBe(400)
    expect(lookups).toBe(0)
  })
})

describe('M10 a document that comes late in a sign-in', () => {
  const { challenge, verifier } = createVerifier()
  const CALLBACK = '/oauth/callback?code=c&state=some-state'
  let browser: Browser

  beforeEach(async () => {
    browser = createBrowser(server.origin)
    const page = await browser.open(authorizeUrl(server, CLIENT, challenge))
    await page.submit('/login/upstream')
  })

  it('holds nobody else up on the way back from an upstream', async () => {
    slowDown()
    const back = await serveOthers(browser.request(CALLBACK), found)
    expect(back.status).toBe(303)
    expect(back.headers.get('location')).toContain('/continue')
  })

  it('holds nobody else up at consent', async () => {
    const consent = await browser.open(CALLBACK)
    // The first lookup of a post is that of its page.
    slowDown(1)
    const posted = consent.submit('/consent')
    await isWaiting()
    slowDown(Number.POSITIVE_INFINITY)
    const done = await serveOthers(posted, found)
    const code = done.location?.searchParams.get('code') ?? ''
    const tokens = await postToken(server, codeForm(CLIENT, { code, verifier, browser }))
    expect(tokens.status).toBe(200)
  })
})

describe('E08 a malformed Authorization field', () => {
  it.each(['%:x', '%zz:x', 'x:%'])('is 401 also for a pushed request: %s', async (text) => {
    const authorization = `Basic ${Buffer.from(text).toString('base64')}`
    const answer = await post('/oauth/par', { client_id: 'x' }, { authorization })
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client'])
    expect(answer.headers.get('www-authenticate')).toContain('Basic')
  })
})
