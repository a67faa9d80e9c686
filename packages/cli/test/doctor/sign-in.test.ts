import { describe, expect, it } from 'vitest'
import { describeOutcome } from '../../src/doctor/active/authorization-outcome.js'
import type { Browser } from '../../src/doctor/active/browser.js'
import { signIn } from '../../src/doctor/active/sign-in.js'
import type { Exchange } from '../../src/doctor/http/prober.js'

describe('signIn()', () => {
  const exchangeAt = (address: string, text: string): Exchange => ({
    url: new URL(address),
    sent: '',
    answer: { status: 200, headers: new Headers(), text, json: undefined },
    failure: undefined,
  })

  async function signInAt(address: string, text: string) {
    const sent: string[] = []
    const browser: Browser = {
      request: async ({ method = 'GET' }) => {
        sent.push(method)
        return exchangeAt(address, text)
      },
    }
    const redirectUri = 'http://127.0.0.1:1/callback'
    const common = { clientId: 'c', redirectUri, challenge: 'x', method: 'S256' as const }
    const rest = { scope: undefined, resource: undefined, isSilent: false, about: '' }
    const outcome = await signIn(browser, { endpoint: address, ...common, ...rest })
    return { outcome, sent }
  }

  const LOCAL = 'http://127.0.0.1:8080/authorize'

  it.each([
    [
      'inputs that do not end',
      `<form action="/consent">${'<input type="hidden"'.repeat(3200)}</form>`,
    ],
    ['forms that do not end', '<form action="/consent"'.repeat(2800)],
    ['buttons that do not end', `<form action="/login/dev">${'<button '.repeat(8000)}</form>`],
    ['titles that do not end', '<title'.repeat(10_900)],
  ])('reads a page of 64 KiB with %s at once', async (_name, page) => {
    const before = process.cpuUsage()
    const { outcome } = await signInAt(LOCAL, page.slice(0, 65_536))
    describeOutcome(outcome)
    // The patterns that it had took from seconds to hours.
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(1500)
  })

  it('fills in a form of the development login, and none of another host', async () => {
    const form =
      '<form method="post" action="/consent"><input type="hidden" name="a" value="b"></form>'
    expect((await signInAt(LOCAL, form)).sent).toContain('POST')
    expect((await signInAt('https://login.example.com/authorize', form)).sent).toEqual(['GET'])
  })

  it.each(['http://[', 'https://evil.example.net/consent'])(
    'leaves a form alone that is sent to %s',
    async (action) => {
      const { sent, outcome } = await signInAt(LOCAL, `<form action="${action}/consent"></form>`)
      expect([sent, outcome.kind]).toEqual([['GET'], 'page'])
    },
  )
})

describe('describeOutcome()', () => {
  it.each([
    ['<html><title>Sign in</title>', ', titled "Sign in"'],
    ['<TITLE lang="en"> Sign in </TITLE>', ', titled "Sign in"'],
    ['<title>', ''],
    ['no title', ''],
  ])('takes the title of %j', (text, expected) => {
    const answer = { status: 200, headers: new Headers(), text, json: undefined }
    const url = new URL('https://login.example.com/')
    const exchange: Exchange = { url, sent: '', answer, failure: undefined }
    expect(describeOutcome({ kind: 'page', exchange })).toBe(`200, a page that asks${expected}`)
  })
})
