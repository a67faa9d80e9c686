import { afterEach, describe, expect, it } from 'vitest'
import { openAccount, sessionOf } from '../account/support.js'
import { type Browser, createBrowser } from './support/browser.js'
import { approve, authorize, authorizeUrl, createVerifier, register } from './support/flow.js'
import { createMemoryStorage, type MemoryStorage } from './support/memory-storage.js'
import { startServer, type TestServer } from './support/server.js'

const { challenge } = createVerifier()
const HOUR = 3600

let server: TestServer
afterEach(() => server.close())

interface HeldStorage extends MemoryStorage {
  /** Lets the next request that saves a session do so when told, and resolves when it is about to. */
  hold(): { readonly reached: Promise<void>; release(): void }
}

function holdSessions(): HeldStorage {
  const storage = createMemoryStorage(() => Date.now())
  let wait: (() => Promise<void>) | undefined
  const records: MemoryStorage['records'] = (model) => {
    const own = storage.records(model)
    if (model !== 'Session') return own
    return {
      ...own,
      async upsert(...record) {
        await wait?.()
        await own.upsert(...record)
      },
      async replace(...record) {
        await wait?.()
        return own.replace(...record)
      },
    }
  }
  return {
    ...storage,
    records,
    hold() {
      let release = (): void => undefined
      let reach = (): void => undefined
      const held = new Promise<void>((resolve) => {
        release = resolve
      })
      const reached = new Promise<void>((resolve) => {
        reach = resolve
      })
      wait = () => {
        wait = undefined
        reach()
        return held
      }
      return { reached, release }
    },
  }
}

/** Tells whether somebody is signed in with these cookies. */
async function isSignedIn(browser: Browser): Promise<boolean> {
  return (await browser.open(`${server.origin}/account`)).html.includes('/sign-out')
}

function sessions(storage: MemoryStorage): number {
  return [...storage.state.rows.values()].filter(({ model }) => model === 'Session').length
}

describe('a session that somebody ends during a request', () => {
  it.each([
    ['an operator', async () => server.as.sessions.revokeUser('ann@example.com')],
    ['a suspension', async () => server.as.users.suspend('ann@example.com')],
    [
      'sign-out in another tab',
      async (browser: Browser) =>
        (await openAccount(server, 'ann', browser)).page.submit('/sign-out'),
    ],
  ])('stays ended by %s', async (_, end) => {
    const storage = holdSessions()
    server = await startServer({ storage })
    const { client_id: id } = await register(server)
    const { browser } = await authorize(server, id)
    const cookies = new Map(browser.cookies)
    const { reached, release } = storage.hold()
    const url = authorizeUrl(server, id, challenge, { prompt: 'none' })
    const answer = browser.request(url)
    await reached
    await end(browser)
    release()
    const lines = (await answer).headers.getSetCookie()
    expect(lines.filter((line) => line.startsWith('mcp_auth_session='))).toEqual([])
    expect(sessions(storage)).toBe(0)
    browser.cookies.clear()
    for (const [key, cookie] of cookies) browser.cookies.set(key, cookie)
    expect(await isSignedIn(browser)).toBe(false)
  })

  it('stays ended when the request gives it another id', async () => {
    const storage = holdSessions()
    server = await startServer({ storage })
    const { client_id: first } = await register(server)
    const { client_id: second } = await register(server, { client_name: 'Second' })
    const { browser } = await authorize(server, first)
    const consent = await browser.open(authorizeUrl(server, second, challenge))
    const { reached, release } = storage.hold()
    const answer = consent.submit('/consent')
    await reached
    await server.as.sessions.revokeUser('ann@example.com')
    release()
    await answer
    expect(sessions(storage)).toBe(0)
    expect(await isSignedIn(browser)).toBe(false)
  })

  it('goes on, under one id, when nobody ends it', async () => {
    const storage = holdSessions()
    server = await startServer({ storage })
    const { client_id: id } = await register(server)
    const { browser } = await authorize(server, id)
    const before = sessionOf(browser)
    const { reached, release } = storage.hold()
    const answer = browser.request(authorizeUrl(server, id, challenge, { prompt: 'none' }))
    await reached
    release()
    const location = (await answer).headers.get('location') ?? ''
    expect(new URL(location).searchParams.get('code')).toBeTypeOf('string')
    expect([sessions(storage), sessionOf(browser)]).toEqual([1, before])
    expect(await isSignedIn(browser)).toBe(true)
  })
})

describe('the age of a session', () => {
  it('ends in a new sign-in, however often it was used', async () => {
    server = await startServer({ lifetimes: { federatedSignIn: 2 * HOUR } })
    const { client_id: id } = await register(server)
    const { browser } = await authorize(server, id)
    const ask = (parameters = {}) => browser.open(authorizeUrl(server, id, challenge, parameters))

    for (const step of [HOUR, HOUR - 1]) {
      server.advance(step)
      expect((await ask()).location?.searchParams.get('code')).toBeTypeOf('string')
      expect(await isSignedIn(browser)).toBe(true)
    }
    server.advance(2)
    const silent = await ask({ prompt: 'none' })
    expect(silent.location?.searchParams.get('error')).toBe('login_required')
    expect(await isSignedIn(browser)).toBe(false)

    const page = await ask()
    expect(page.html).toContain('/login/dev')
    const done = await approve(page)
    expect(done.location?.searchParams.get('code')).toBeTypeOf('string')
    expect(await isSignedIn(browser)).toBe(true)
  })

  it('takes no form of the account page from a session that is too old', async () => {
    server = await startServer({ lifetimes: { federatedSignIn: HOUR } })
    const { client_id: id } = await register(server)
    const { browser } = await authorize(server, id)
    const { page } = await openAccount(server, 'ann', browser)
    server.advance(HOUR + 1)
    expect((await page.submit('/revoke')).status).toBe(403)
    expect(await server.as.sessions.list({ user: 'ann@example.com' })).toHaveLength(1)
    const { page: again } = await openAccount(server, 'ann', createBrowser(server.origin))
    expect((await again.submit('/revoke')).status).toBe(200)
  })
})
