import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apiTokenLogin } from '../../src/login/api-token-login.js'
import { devLogin } from '../../src/login/dev-login.js'
import { type Browser, createBrowser } from '../engine/support/browser.js'
import { authorizeUrl, createVerifier, register } from '../engine/support/flow.js'
import { startServer, type TestServer } from '../engine/support/server.js'

const { challenge } = createVerifier()
const SECRET = 'canary-token-of-ann'

const login = apiTokenLogin({
  id: 'coda',
  label: 'Coda API token',
  issuer: 'https://coda.test',
  async verify(token) {
    if (token === 'outage') throw new Error('down')
    if (token === SECRET)
      return { subject: 'ann@example.com', email: 'ann@example.com', name: 'Ann' }
    if (token === 'token-of-eve') return { subject: 'eve', email: 'eve@example.com' }
    return undefined
  },
})

async function openPage(
  server: TestServer,
): Promise<{ browser: Browser; page: Awaited<ReturnType<Browser['open']>> }> {
  const { client_id: id } = await register(server)
  const browser = createBrowser(server.origin)
  return { browser, page: await browser.open(authorizeUrl(server, id, challenge)) }
}

describe('signing in by a token of the upstream', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ login: [login], allow: { emails: ['ann@example.com'] } })
  })
  afterAll(() => server.close())

  it('keeps the token as the credential of the user, and shows it nowhere', async () => {
    const { page } = await openPage(server)
    const consent = await page.submit('/login/coda', { api_token: `  ${SECRET}\n` })
    expect(consent.html).toContain('ann@example.com')
    expect(consent.html).not.toContain(SECRET)
    const [user] = [...server.storage.state.users.values()]
    const owner = { kind: 'user', issuer: server.origin, subject: user?.userId ?? '' } as const
    const credential = await server.credentials.get({ provider: 'coda', owner })
    expect(credential?.secret).toBe(SECRET)
    expect(JSON.stringify(server.storage.state.audit)).not.toContain('canary')
    const done = await consent.submit('/consent')
    expect(done.location?.searchParams.get('code')).toBeTypeOf('string')
  })

  it.each([
    ['nothing', '', 400],
    ['a refused token', 'wrong', 403],
    ['an upstream that is down', 'outage', 503],
  ])('shows the form again for %s', async (_, token, status) => {
    const { page } = await openPage(server)
    const again = await page.submit('/login/coda', { api_token: token })
    expect(again.status).toBe(status)
    expect(again.html).toContain('/login/coda')
    if (token !== '') expect(again.html).not.toContain(`value="${token}"`)
  })

  it('A50 refuses a token of somebody who is not listed, and keeps nothing', async () => {
    const { page } = await openPage(server)
    const denied = await page.submit('/login/coda', { api_token: 'token-of-eve' })
    expect(denied.status).toBe(403)
    expect(
      [...server.storage.state.users.values()].some(({ email }) => email === 'eve@example.com'),
    ).toBe(false)
  })
})

describe('connecting an upstream account after sign-in', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ login: [devLogin()], connect: login, connectOptional: true })
  })
  afterAll(() => server.close())

  it('asks once, then goes on to consent, and never again for that user', async () => {
    const { page } = await openPage(server)
    const connect = await page.submit('/login/dev', { subject: 'dev' })
    expect(connect.html).toContain('Coda API token')
    const wrong = await connect.submit('/connect', { api_token: 'wrong' })
    expect(wrong.status).toBe(403)
    const consent = await wrong.submit('/connect', { api_token: SECRET })
    expect(consent.html).toContain('/consent')
    const second = await (await openPage(server)).page.submit('/login/dev', { subject: 'dev' })
    expect(second.html).toContain('/consent')
  })

  it('can be left out where the operator allows it', async () => {
    const own = await startServer({ login: [devLogin()], connect: login, connectOptional: true })
    try {
      const { page } = await openPage(own)
      const connect = await page.submit('/login/dev', { subject: 'dev' })
      expect((await connect.submit('/skip')).html).toContain('/consent')
    } finally {
      await own.close()
    }
  })
})
