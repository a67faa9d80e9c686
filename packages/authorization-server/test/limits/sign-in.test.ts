import { afterEach, describe, expect, it } from 'vitest'
import type { AuthorizationServerEvent } from '../../src/engine/events.js'
import { devLogin } from '../../src/login/dev-login.js'
import type { Page } from '../engine/support/browser.js'
import { startServer, type TestServer, type TestServerOptions } from '../engine/support/server.js'
import { asked, byToken, from, named, openSignIn, SECRET } from './support.js'

let server: TestServer
const events: AuthorizationServerEvent[] = []

async function start(options: TestServerOptions): Promise<void> {
  events.length = 0
  asked.length = 0
  server = await startServer({ rateLimits: {}, onEvent: (event) => events.push(event), ...options })
}
afterEach(() => server.close())

const tokenLogin = { login: [byToken], allow: { emails: ['ann@example.com'] } } as const

/** Pastes tokens one after the other on one page. */
async function paste(page: Page, ...tokens: readonly string[]): Promise<Page> {
  let current = page
  for (const token of tokens) current = await current.submit('/login/coda', { api_token: token })
  return current
}

const five = ['w1', 'w2', 'w3', 'w4', 'w5']

describe('signing in by a token', () => {
  it('A56 refuses the 6th failure in 5 minutes; another address and a later time still work', async () => {
    await start({ ...tokenLogin, trustProxy: 1 })
    const limited = await from('198.51.100.1', async () => {
      const page = await paste(await openSignIn(server), ...five)
      expect(page.status).toBe(403)
      return paste(page, 'w6')
    })
    expect(limited.status).toBe(429)
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(290)
    expect(Number(limited.headers.get('retry-after'))).toBeLessThanOrEqual(300)
    expect(limited.html).toContain('Too many attempts')
    // The sixth is not tried, and neither is a right one.
    expect(asked).toEqual(five)
    const right = await from('198.51.100.1', () => paste(limited, SECRET))
    expect(right.status).toBe(429)
    expect(asked).toEqual(five)

    const other = await from('198.51.100.2', async () => paste(await openSignIn(server), SECRET))
    expect(other.html).toContain('/consent')

    server.advance(299)
    const early = await from('198.51.100.1', () => paste(limited, SECRET))
    expect(early.status).toBe(429)
    server.advance(2)
    const later = await from('198.51.100.1', () => paste(limited, SECRET))
    expect(later.html).toContain('/consent')
  })

  it('A56 counts attempts that are made at once', async () => {
    await start(tokenLogin)
    const page = await openSignIn(server)
    const tries = Array.from({ length: 12 }, (_, index) => paste(page, `at-once-${index}`))
    const statuses = (await Promise.all(tries)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 403)).toHaveLength(5)
    expect(statuses.filter((status) => status === 429)).toHaveLength(7)
    expect(asked).toHaveLength(5)
  })

  it('does not count what is no guess: nothing, an outage, a success, and who is not listed', async () => {
    await start(tokenLogin)
    const page = await openSignIn(server)
    await paste(page, '', '', '', 'outage', 'outage', 'outage', 'outage', 'outage', 'outage')
    for (let index = 0; index < 6; index += 1) {
      expect((await paste(await openSignIn(server), 'token-of-eve')).status).toBe(403)
      expect((await paste(await openSignIn(server), SECRET)).html).toContain('/consent')
    }
    const last = await paste(page, 'w1', 'w2', 'w3', 'w4', 'w5')
    expect(last.status).toBe(403)
    expect((await paste(last, 'w6')).status).toBe(429)
  })

  it('tells of it once in a window, without the token', async () => {
    await start(tokenLogin)
    await paste(await openSignIn(server), ...five, 'canary-guess', 'canary-guess')
    expect(named(events, 'rate-limited')).toMatchObject([
      {
        outcome: 'denied',
        reason: 'too_many',
        details: { limit: 'signIn', address: '127.0.0.1' },
      },
    ])
    expect(JSON.stringify(events)).not.toContain('canary')
  })

  it('limits the step that connects an account alike', async () => {
    await start({ login: [devLogin()], connect: byToken })
    let page = await (await openSignIn(server)).submit('/login/dev', { subject: 'dev' })
    for (const token of five) page = await page.submit('/connect', { api_token: token })
    expect(page.status).toBe(403)
    page = await page.submit('/connect', { api_token: SECRET })
    expect([page.status, asked.length]).toEqual([429, 5])
  })

  it('has no limit where the operator turns it off', async () => {
    await start({ ...tokenLogin, rateLimits: { signIn: false } })
    expect((await paste(await openSignIn(server), ...five, ...five)).status).toBe(403)
  })
})

describe('A57 no way around', () => {
  it.each([
    ['rotates X-Forwarded-For with no proxy trusted', undefined, (n: number) => `198.51.100.${n}`],
    ['rotates within an IPv6 /64', 1, (n: number) => `2001:db8:1:2:${n}::${n}`],
    [
      'writes one IPv4 address in several ways',
      1,
      (n: number) =>
        [
          '203.0.113.7',
          '::ffff:203.0.113.7',
          '::ffff:cb00:7107',
          '0:0:0:0:0:FFFF:CB00:7107',
          '203.0.113.7:1234',
          '[::ffff:203.0.113.7]:1',
          '64:ff9b::cb00:7107',
        ][n] ?? '',
    ],
    ['writes addresses in front of its own', 1, (n: number) => `198.51.100.${n}, 203.0.113.9`],
  ])('for one that %s', async (_, trustProxy, addressOf) => {
    await start({ ...tokenLogin, trustProxy })
    let page = await from(addressOf(0), () => openSignIn(server))
    for (const [index, token] of five.entries()) {
      page = await from(addressOf(index), () => paste(page, token))
      expect(page.status).toBe(403)
    }
    page = await from(addressOf(6), () => paste(page, SECRET))
    expect(page.status).toBe(429)
  })

  it('lets the next /64 in', async () => {
    await start({ ...tokenLogin, trustProxy: 1 })
    await from('2001:db8:1:2::1', async () => paste(await openSignIn(server), ...five, 'w6'))
    const page = await from('2001:db8:1:3::1', async () => paste(await openSignIn(server), SECRET))
    expect(page.html).toContain('/consent')
  })

  it('for one that changes the case of a user name, nor for another name', async () => {
    await start({})
    const page = await openSignIn(server)
    for (const subject of ['ANN', 'Ann', 'aNn', 'anN', 'eve']) {
      expect((await page.submit('/login/dev', { subject })).status).toBe(400)
    }
    for (const subject of ['ANn', 'bob', 'ann']) {
      const limited = await page.submit('/login/dev', { subject })
      expect(limited.status).toBe(429)
      expect(limited.html).toMatch(/Try again in .*5.minutes/)
      expect(limited.headers.get('retry-after')).toBe('300')
      expect(limited.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    }
  })
})
