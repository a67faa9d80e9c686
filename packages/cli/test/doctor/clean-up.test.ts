import { describe, expect, it } from 'vitest'
import { cleanUp } from '../../src/doctor/active/clean-up.js'
import type { RegistrationAttempt } from '../../src/doctor/active/registration.js'
import { createProber } from '../../src/doctor/http/prober.js'
import { type FakeRequest, fakeFetch } from './support/answers.js'

const NOW = 1_795_000_000_000
const SERVER = 'https://login.example.com'

function registered(document: Readonly<Record<string, unknown>>): RegistrationAttempt {
  const exchange = {
    url: new URL(`${SERVER}/register`),
    sent: '',
    answer: undefined,
    failure: undefined,
  }
  return { exchange, document, clientId: String(document.client_id) }
}

function managed(id: string, at = SERVER): Readonly<Record<string, unknown>> {
  const uri = `${at}/register/${id}`
  return { client_id: id, registration_client_uri: uri, registration_access_token: `token-${id}` }
}

async function run(
  attempts: readonly RegistrationAttempt[],
  {
    status = 204,
    remove,
  }: { status?: number; remove?: (ids: readonly string[]) => Promise<readonly string[]> } = {},
) {
  const requests: FakeRequest[] = []
  const fetch = fakeFetch((request) => {
    requests.push(request)
    return { status }
  })
  const probe = createProber({ fetch, deadline: 1000, signal: new AbortController().signal })
  return { cleanup: await cleanUp(probe, attempts, NOW, remove), requests }
}

describe('cleanUp()', () => {
  it('removes each client once by the way that the server offers', async () => {
    const { cleanup, requests } = await run([
      registered(managed('a')),
      registered(managed('a')),
      registered(managed('b')),
    ])
    expect(cleanup).toEqual({ registered: 2, removed: 2, left: [] })
    expect(requests.map(({ method, url }) => `${method} ${url.href}`).sort()).toEqual([
      `DELETE ${SERVER}/register/a`,
      `DELETE ${SERVER}/register/b`,
    ])
    expect(requests[0]?.headers.get('authorization')).toBe('Bearer token-a')
  })

  it('sends the token to nobody but the server that gave it', async () => {
    const { cleanup, requests } = await run([registered(managed('a', 'https://evil.example.com'))])
    expect([cleanup.left, requests]).toEqual([['a'], []])
  })

  it.each([401, 404, 500])(
    'says that a client is left when the server answers %i',
    async (status) => {
      expect((await run([registered(managed('a'))], { status })).cleanup.left).toEqual(['a'])
    },
  )

  it('leaves what the server does not remove to the management, and nothing else', async () => {
    const asked: (readonly string[])[] = []
    const remove = async (ids: readonly string[]) => {
      asked.push(ids)
      return ids.slice(0, 1)
    }
    const attempts = [
      registered(managed('a')),
      registered({ client_id: 'b' }),
      registered({ client_id: 'c' }),
    ]
    const { cleanup } = await run(attempts, { remove })
    expect(asked).toEqual([['b', 'c']])
    expect(cleanup).toEqual({ registered: 3, removed: 2, left: ['c'] })
  })

  it('never removes a client that was there before', async () => {
    const seconds = NOW / 1000
    const old = { ...managed('old'), client_id_issued_at: seconds - 301 }
    const own = { ...managed('own'), client_id_issued_at: seconds - 299 }
    const { cleanup, requests } = await run([registered(old), registered(own)])
    expect(cleanup).toEqual({ registered: 1, removed: 1, left: [] })
    expect(requests.map(({ url }) => url.pathname)).toEqual(['/register/own'])
  })
})
