import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apiTokenLogin } from '../../src/login/api-token-login.js'
import { sessionOf } from '../account/support.js'
import { type Browser, createBrowser, type Page } from '../engine/support/browser.js'
import { approve, authorizeUrl, createVerifier, register } from '../engine/support/flow.js'
import { startServer, type TestServer } from '../engine/support/server.js'

const { challenge } = createVerifier()
const connect = apiTokenLogin({
  id: 'coda',
  label: 'Coda API token',
  issuer: 'https://coda.test',
  verify: async (token) => (token === '' ? undefined : { subject: token }),
})

let server: TestServer
let client: string

beforeAll(async () => {
  server = await startServer()
  client = (await register(server)).client_id
})
afterAll(() => server.close())

/** Sets what another host of the site can set: every cookie with a path, and none with the prefix `__Host-`. */
function toss(from: Browser, to: Browser): void {
  for (const [key, cookie] of from.cookies) {
    if (!/^mcp_auth_(?:session|browser) /.test(key)) to.cookies.set(key, cookie)
  }
}

/** A browser that has been here before, with all that somebody else could set in it. */
async function victimOf(attacker: Browser, on = server): Promise<Browser> {
  const victim = createBrowser(on.origin)
  await victim.open(`${on.origin}/account`)
  toss(attacker, victim)
  return victim
}

/** Posts a form of a page and follows nothing. */
async function post(page: Page, browser: Browser, action: string): Promise<Response> {
  const form = new RegExp(`action="[^"]*${action}"[\\s\\S]*?name="csrf_token" value="([^"]+)"`)
  const csrf = form.exec(page.html)?.[1] ?? ''
  return browser.request(`${page.url}${action}`, {
    method: 'POST',
    headers: { origin: server.origin, 'sec-fetch-site': 'same-origin' },
    body: new URLSearchParams({ subject: 'ann', csrf_token: csrf }),
  })
}

describe('an interaction and the browser that began it', () => {
  it.each([
    ['the account page', () => `${server.origin}/account`],
    ['an app', () => authorizeUrl(server, client, challenge)],
  ])('A28 shows nothing of a sign-in for %s that somebody else began', async (_, start) => {
    const attacker = createBrowser(server.origin)
    const begun = await attacker.request(start())
    const page = new URL(begun.headers.get('location') ?? '', server.origin).href
    for (const victim of [await victimOf(attacker), createBrowser(server.origin)]) {
      toss(attacker, victim)
      const answer = await victim.request(page)
      expect(answer.status).toBe(400)
      expect(await answer.text()).not.toContain('/login/dev')
    }
    expect((await attacker.request(page)).status).toBe(200)
  })

  it.each([
    ['the account page', () => `${server.origin}/account`],
    ['an app', () => authorizeUrl(server, client, challenge)],
  ])('A43 lets nobody take over a sign-in for %s by its cookies', async (_, start) => {
    const victim = createBrowser(server.origin)
    const page = await victim.open(start())
    const attacker = await victimOf(victim)
    const steps = ['', '/leave', '/continue']
    const tryAll = async () => {
      const answers = await Promise.all(steps.map((step) => attacker.request(page.url + step)))
      const posted = await post(page, attacker, '/login/dev')
      const resume = page.url.replace('/oauth/interaction/', '/oauth/authorize/')
      return [...answers, posted, await attacker.request(resume)]
    }
    const early = await tryAll()
    expect(early.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400])
    expect((await post(page, victim, '/login/dev')).status).toBe(303)
    const late = await tryAll()
    expect(late.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400])
    expect(sessionOf(attacker)).toBeUndefined()
    // Nothing of it has ended the sign-in of the one it belongs to.
    expect((await victim.open(`${page.url}/continue`)).html).toMatch(/sign-out|\/consent/)
    expect(sessionOf(victim)).toBeTypeOf('string')
  })

  it('A43 signs nobody in as somebody else for the account page', async () => {
    const attacker = createBrowser(server.origin)
    const page = await attacker.open(`${server.origin}/account`)
    await post(page, attacker, '/login/dev')
    const victim = await victimOf(attacker)
    expect((await victim.request(`${page.url}/continue`)).status).toBe(400)
    expect(sessionOf(victim)).toBeUndefined()
    expect((await attacker.open(`${page.url}/continue`)).html).toContain('sign-out')
  })

  it('A43 signs nobody in as somebody else by going on to the request of an app', async () => {
    const attacker = createBrowser(server.origin)
    const page = await attacker.open(authorizeUrl(server, client, challenge))
    await post(page, attacker, '/login/dev')
    const victim = await victimOf(attacker)
    const resume = page.url.replace('/oauth/interaction/', '/oauth/authorize/')
    expect((await victim.request(resume)).status).toBe(400)

    // Also not under the address of a request of its own, with the cookie of the other one in its place.
    const own = await victim.open(authorizeUrl(server, client, challenge))
    const ownResume = own.url.replace('/oauth/interaction/', '/oauth/authorize/')
    const { pathname } = new URL(ownResume)
    const value = new URL(resume).pathname.split('/').at(-1) ?? ''
    victim.cookies.set(`mcp_auth_resume ${pathname}`, { value, path: pathname })
    expect((await victim.request(ownResume)).status).toBe(400)
    expect(sessionOf(victim)).toBeUndefined()
    expect((await attacker.request(resume)).status).toBe(303)
  })

  it('A28 takes the token that a person pastes into no account of somebody else', async () => {
    const other = await startServer({ connect })
    const { client_id: id } = await register(other)
    const attacker = createBrowser(other.origin)
    const signIn = await attacker.open(authorizeUrl(other, id, challenge))
    const page = await signIn.submit('/login/dev', { subject: 'ann' })
    expect(page.html).toContain('/connect"')
    const victim = await victimOf(attacker, other)
    expect((await victim.request(page.url)).status).toBe(400)
    expect((await attacker.request(page.url)).status).toBe(200)
    await other.close()
  })
})

describe('the browser that began an interaction', () => {
  it('gets its cookie with the first answer, and only one', async () => {
    for (const start of [`${server.origin}/account`, authorizeUrl(server, client, challenge)]) {
      const browser = createBrowser(server.origin)
      const named = (answer: Response) =>
        answer.headers.getSetCookie().filter((line) => line.startsWith('mcp_auth_browser='))
      expect(named(await browser.request(start))).toHaveLength(1)
      expect(named(await browser.request(start))).toHaveLength(0)
      const page = await browser.open(start)
      expect(named(await browser.request(page.url))).toHaveLength(0)
    }
  })

  it('goes on in two tabs, one after the other', async () => {
    const browser = createBrowser(server.origin)
    const first = await browser.open(authorizeUrl(server, client, challenge))
    const second = await browser.open(`${server.origin}/account`)
    expect((await second.submit('/login/dev', { subject: 'ann' })).html).toContain('sign-out')
    const done = await approve(first)
    expect(done.location?.searchParams.get('code')).toBeTypeOf('string')
  })
})

describe('another person in the same browser', () => {
  it('connects an account of its own, whatever the one before has done', async () => {
    const other = await startServer({ connect })
    const { client_id: id } = await register(other)
    const browser = createBrowser(other.origin)
    const signIn = await browser.open(authorizeUrl(other, id, challenge))
    const connectPage = await signIn.submit('/login/dev', { subject: 'ann' })
    const consent = await connectPage.submit('/connect', { api_token: 'canary-ann' })
    expect(consent.html).toContain('/consent"')
    const again = await consent.submit('/switch')
    const next = await again.submit('/login/dev', { subject: 'bob' })
    expect(next.html).toContain('/connect"')
    expect(next.html).not.toContain('/consent"')
    const consentOfBob = await next.submit('/connect', { api_token: 'canary-bob' })
    expect(consentOfBob.html).toContain('bob@example.com')
    const done = await consentOfBob.submit('/consent')
    expect(done.location?.searchParams.get('code')).toBeTypeOf('string')
    await other.close()
  })

  it('goes on without a second token where the one who comes back has one', async () => {
    const other = await startServer({ connect })
    const { client_id: id } = await register(other)
    const browser = createBrowser(other.origin)
    const signIn = await browser.open(authorizeUrl(other, id, challenge))
    const connectPage = await signIn.submit('/login/dev', { subject: 'ann' })
    const consent = await connectPage.submit('/connect', { api_token: 'canary-ann' })
    const again = await consent.submit('/switch')
    const next = await again.submit('/login/dev', { subject: 'ann' })
    expect(next.html).toContain('/consent"')
    await other.close()
  })
})
