import { describe, expect, it } from 'vitest'
import {
  describeOutcome,
  isAccepted,
  refusalOf,
} from '../../src/doctor/active/authorization-outcome.js'
import { authorize } from '../../src/doctor/active/authorize.js'
import { createBrowser } from '../../src/doctor/active/browser.js'
import { createProber } from '../../src/doctor/http/prober.js'
import { type FakeAnswer, type FakeRequest, fakeFetch } from './support/answers.js'

const ORIGIN = 'https://login.example.com'
const BACK = 'http://127.0.0.1:33418/callback'

async function ask(answer: (request: FakeRequest) => FakeAnswer) {
  const requests: FakeRequest[] = []
  const fetch = fakeFetch((request) => {
    requests.push(request)
    return answer(request)
  })
  const probe = createProber({ fetch, deadline: 1000, signal: new AbortController().signal })
  const outcome = await authorize(createBrowser(probe, ORIGIN), {
    endpoint: `${ORIGIN}/authorize?tenant=a`,
    clientId: 'client',
    redirectUri: BACK,
    challenge: 'challenge',
    method: 'S256',
    scope: undefined,
    resource: 'https://mcp.example.com/mcp',
    isSilent: true,
    about: 'test',
  })
  return { outcome, requests }
}

const to = (location: string): FakeAnswer => ({ status: 302, headers: { location } })

describe('authorize()', () => {
  it('keeps the query of the endpoint and leaves out what is not given', async () => {
    const { requests } = await ask(() => ({ status: 400 }))
    const parameters = requests[0]?.url.searchParams
    expect([parameters?.get('tenant'), parameters?.get('resource')]).toEqual([
      'a',
      'https://mcp.example.com/mcp',
    ])
    expect([parameters?.has('scope'), parameters?.get('prompt')]).toEqual([false, 'none'])
  })

  it.each([
    ['a code', to(`${BACK}?code=secret-code`), true, undefined],
    ['an error that asks for a person', to(`${BACK}?error=login_required`), true, undefined],
    ['a page', { status: 200, body: '<title>Sign in</title>' }, true, undefined],
    ['a sign-in elsewhere', to('https://accounts.example.net/o'), true, undefined],
    ['invalid_scope', to(`${BACK}?error=invalid_scope`), false, 'invalid_scope'],
    ['neither code nor error', to(`${BACK}?state=a`), false, 'an empty answer'],
    ['a page that refuses', { status: 400, body: '<title>No</title>' }, false, 'page'],
    ['another path than its own', to(`${BACK}/x?code=a`), true, undefined],
    ['an outage', { status: 503 }, false, undefined],
    ['a limit', { status: 429 }, false, undefined],
  ])('judges %s', async (_name, answer, accepted, refusal) => {
    const { outcome } = await ask(() => answer)
    expect([isAccepted(outcome), refusalOf(outcome)]).toEqual([accepted, refusal])
    expect(describeOutcome(outcome)).not.toContain('secret-code')
  })

  it('follows the origin with its cookies, and no other one', async () => {
    const { outcome, requests } = await ask(({ url }) =>
      url.pathname === '/authorize'
        ? { status: 302, headers: { location: '/login', 'set-cookie': 'a=b; Path=/; HttpOnly' } }
        : to('https://accounts.example.net/o'),
    )
    expect(outcome.kind).toBe('elsewhere')
    expect(requests.map(({ url }) => url.pathname)).toEqual(['/authorize', '/login'])
    expect(requests[1]?.headers.get('cookie')).toBe('a=b')
  })

  it('gives up a redirect without an end', async () => {
    const { outcome, requests } = await ask(({ url }) => to(url.href))
    expect([outcome.kind, requests.length]).toEqual(['refused', 11])
  })
})
