import { afterEach, describe, expect, it, vi } from 'vitest'
import type { InfisicalEvent } from '../src/index.js'
import {
  type FakeInfisical,
  type FakeInfisicalOptions,
  startFakeInfisical,
} from './fake-infisical/index.js'
import { apiKey, FOLDER, rejectionOf, serviceKey, storeOver } from './support.js'

const fakes: FakeInfisical[] = []

/** A fake with one stored credential and a clock that the store shares. */
async function start(options: FakeInfisicalOptions = {}) {
  const clock = { time: Date.now() }
  const now = () => clock.time
  const fake = await startFakeInfisical({ now, ...options })
  fake.edit(FOLDER, 'CODA_API_TOKEN', 'canary-stored')
  fakes.push(fake)
  return { fake, clock, now }
}

afterEach(async () => {
  vi.unstubAllEnvs()
  for (const fake of fakes.splice(0)) await fake.close()
})

describe('universal auth', () => {
  it('logs in once for many parallel first reads', async () => {
    const { fake } = await start()
    const store = storeOver(fake)
    const found = await Promise.all(Array.from({ length: 30 }, () => store.get(serviceKey())))
    expect(new Set(found.map((each) => each?.secret))).toEqual(new Set(['canary-stored']))
    expect(fake.count('login')).toBe(1)
  })

  it('logs in again before the end of the token, on a new instance and without renewing', async () => {
    const { fake, clock, now } = await start({ tokenTtlSeconds: 600, tokenMaxTtlSeconds: 600 })
    const store = storeOver(fake, { now })
    await store.get(serviceKey())
    clock.time += 530_000
    await store.get(serviceKey())
    expect(fake.count('login')).toBe(1)
    clock.time += 15_000
    expect((await store.get(serviceKey()))?.secret).toBe('canary-stored')
    expect(fake.count('login')).toBe(2)
    expect(fake.count('renew')).toBe(0)
    // An old bearer beside a login would make the server refuse the login.
    const logins = fake.requests.filter(({ endpoint }) => endpoint === 'login')
    expect(logins.map(({ hasBearer }) => hasBearer)).toEqual([false, false])
  })

  it('does not take a fresh token for an expired one when its own clock is ahead', async () => {
    const { fake } = await start({ tokenTtlSeconds: 600 })
    const store = storeOver(fake, { now: () => Date.now() + 3_600_000 })
    await store.get(serviceKey())
    await store.get(serviceKey())
    expect(fake.count('login')).toBe(1)
  })

  it.each([
    ['expired', (fake: FakeInfisical) => fake.faults.next('token-expired', 'getSecret')],
    ['revoked', (fake: FakeInfisical) => fake.identities.revokeAll()],
    [
      'signed with a secret that was changed',
      (fake: FakeInfisical) => {
        fake.identities.signingKey = 'another'
      },
    ],
  ])('logs in once and repeats once when the token is %s', async (_title, spoil) => {
    const { fake } = await start()
    const store = storeOver(fake)
    await store.get(serviceKey())
    fake.requests.length = 0
    spoil(fake)
    const found = await Promise.all(Array.from({ length: 10 }, () => store.get(serviceKey())))
    expect(found.every((each) => each?.secret === 'canary-stored')).toBe(true)
    expect(fake.count('login')).toBe(1)
  })

  it('repeats a write after a new login too', async () => {
    const { fake } = await start()
    const store = storeOver(fake)
    await store.get(serviceKey())
    fake.identities.revokeAll()
    await store.set(serviceKey(), apiKey('canary-new'))
    expect(fake.secrets()).toMatchObject([{ value: 'canary-new', version: 2 }])
    expect(fake.count('login')).toBe(2)
  })

  it('does not log in again and again while fresh tokens are refused', async () => {
    const { fake, clock, now } = await start()
    const store = storeOver(fake, { now })
    fake.faults.always('token-expired', 'getSecret')
    // Five minutes with a read every second.
    for (let second = 0; second < 300; second++) {
      expect(await rejectionOf(store.get(serviceKey()))).toMatchObject({
        code: 'ERR_STORE_UNAVAILABLE',
      })
      clock.time += 1000
    }
    expect(fake.count('login')).toBeLessThanOrEqual(20)
    expect(fake.count('getSecret')).toBeLessThanOrEqual(40)
    fake.faults.clear()
    clock.time += 300_000
    expect((await store.get(serviceKey()))?.secret).toBe('canary-stored')
  })

  it('holds logins off for the time of a lock after a 401', async () => {
    const { fake, clock, now } = await start()
    const events: InfisicalEvent[] = []
    const { clientId } = fake
    const auth = { method: 'universal', clientId, clientSecret: 'canary-wrong' } as const
    const store = storeOver(fake, { now, auth, onEvent: (event) => events.push(event) })
    for (let second = 0; second < 299; second++) {
      const error = await rejectionOf(store.get(serviceKey()))
      expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
      expect(error.message).toContain('refused the login')
      expect(error.message).not.toContain('canary')
      clock.time += 1000
    }
    expect(fake.count('login')).toBe(1)
    expect(events).toContainEqual({ type: 'login', outcome: 'refused', holdSeconds: 300 })
    clock.time += 1000
    await rejectionOf(store.get(serviceKey()))
    expect(fake.count('login')).toBe(2)
  })

  it('logs in after the hold when the identity was unlocked', async () => {
    const { fake, clock, now } = await start()
    fake.identities.lock()
    const store = storeOver(fake, { now })
    await rejectionOf(store.get(serviceKey()))
    clock.time += 299_000
    await rejectionOf(store.get(serviceKey()))
    clock.time += 1000
    expect((await store.get(serviceKey()))?.secret).toBe('canary-stored')
  })

  it('adopts a login whose answer came after everybody had gone', async () => {
    const { fake } = await start()
    const events: InfisicalEvent[] = []
    const store = storeOver(fake, {
      readDeadlineMilliseconds: 400,
      onEvent: (event) => events.push(event),
    })
    fake.faults.next('stall', 'login')
    await rejectionOf(store.get(serviceKey()))
    fake.faults.release()
    await vi.waitFor(() =>
      expect(events.at(-1)).toEqual({ type: 'circuit', state: 'closed', abandoned: 0 }),
    )
    expect((await store.get(serviceKey()))?.secret).toBe('canary-stored')
    expect(fake.count('login')).toBe(1)
  })
})

describe('access token', () => {
  it('uses the token as it is and says when it is refused', async () => {
    const { fake, clock, now } = await start()
    const { clientId, clientSecret } = fake
    const token = fake.identities.login(clientId, clientSecret).accessToken
    const store = storeOver(fake, { now, auth: { method: 'access-token', token } })
    expect((await store.get(serviceKey()))?.secret).toBe('canary-stored')
    fake.identities.revokeAll()
    const error = await rejectionOf(store.get(serviceKey()))
    expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(error.message).toContain('refuses the access token')
    expect(error.message).not.toContain(token)
    fake.requests.length = 0
    await rejectionOf(store.get(serviceKey()))
    expect(fake.requests).toEqual([])
    clock.time += 2000
    await rejectionOf(store.get(serviceKey()))
    expect(fake.count('getSecret')).toBe(2)
    expect(fake.count('login', 'awsLogin', 'renew')).toBe(0)
  })
})

describe('AWS auth', () => {
  it('signs a request to STS with the credentials of the process and logs in with it', async () => {
    const { fake } = await start()
    // Named, so that the SDK asks no metadata address.
    vi.stubEnv('AWS_REGION', 'eu-central-1')
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'canary-aws-secret')
    const store = storeOver(fake, { auth: { method: 'aws', identityId: fake.identityId } })
    expect((await store.get(serviceKey()))?.secret).toBe('canary-stored')

    const login = fake.requests.find(({ endpoint }) => endpoint === 'awsLogin')
    const { identityId, iamHttpRequestMethod, iamRequestBody, iamRequestHeaders } =
      login?.body ?? {}
    expect([identityId, iamHttpRequestMethod]).toEqual([fake.identityId, 'POST'])
    expect(Buffer.from(String(iamRequestBody), 'base64').toString()).toBe(
      'Action=GetCallerIdentity&Version=2011-06-15',
    )
    const headers = JSON.parse(Buffer.from(String(iamRequestHeaders), 'base64').toString())
    expect(headers.Host).toBe('sts.eu-central-1.amazonaws.com')
    expect(headers.Authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/sts\/aws4_request, /,
    )
    expect(JSON.stringify(fake.requests)).not.toContain('canary-aws-secret')
  })

  it('takes the identity from the environment by default', async () => {
    const { fake } = await start()
    vi.stubEnv('AWS_REGION', 'eu-central-1')
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'canary-aws-secret')
    vi.stubEnv('INFISICAL_MACHINE_IDENTITY_ID', fake.identityId)
    const store = storeOver(fake, { auth: { method: 'aws' } })
    expect((await store.get(serviceKey()))?.secret).toBe('canary-stored')
  })

  it('is unavailable for an identity that has no AWS auth', async () => {
    const { fake } = await start()
    vi.stubEnv('AWS_REGION', 'eu-central-1')
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'canary-aws-secret')
    const auth = { method: 'aws', identityId: 'canary-other' } as const
    const error = await rejectionOf(storeOver(fake, { auth }).get(serviceKey()))
    expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(error.message).not.toContain('canary')
  })
})
