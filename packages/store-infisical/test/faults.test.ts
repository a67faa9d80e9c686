import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { InfisicalEvent, InfisicalTokenStoreOptions } from '../src/index.js'
import { type FakeFault, type FakeInfisical, startFakeInfisical } from './fake-infisical/index.js'
import {
  apiKey,
  FOLDER,
  rejectionOf,
  serviceKey,
  storeOver,
  timed,
  until,
  userKey,
} from './support.js'

const FIVE_MINUTES = 300

let fake: FakeInfisical
let clock: { time: number }
let events: InfisicalEvent[]

beforeEach(async () => {
  fake = await startFakeInfisical()
  fake.edit(FOLDER, 'CODA_API_TOKEN', 'canary-stored')
  clock = { time: Date.now() }
  events = []
})
afterEach(() => fake.close())

/** A store whose pauses end when the test says so, that is already logged in. */
async function warmStore(options: Partial<InfisicalTokenStoreOptions> = {}) {
  const store = storeOver(fake, {
    now: () => clock.time,
    onEvent: (event) => events.push(event),
    ...options,
  })
  for (let attempt = 0; attempt < 50; attempt++) {
    // With a short deadline the first answer can be too late on a busy machine.
    const warm = await store.get(serviceKey()).catch(() => undefined)
    if (warm !== undefined) break
    clock.time += 2000
  }
  fake.requests.length = 0
  events.length = 0
  return store
}

const UNAVAILABLE = { code: 'ERR_STORE_UNAVAILABLE' }
const FAULTS: readonly FakeFault[] = [
  'server-error',
  'bad-gateway',
  'rate-limit',
  'reset',
  'stall',
  'stall-body',
  'html',
  'no-content',
]

describe('X29 answers in time while Infisical fails', () => {
  it.each(FAULTS)('with %s, and is back at once after the pause', async (fault) => {
    const store = await warmStore()
    fake.faults.always(fault)
    const { value: error, milliseconds } = await timed(() => rejectionOf(store.get(serviceKey())))
    expect(error).toMatchObject(UNAVAILABLE)
    expect(milliseconds).toBeLessThan(2500)

    const write = await timed(() => rejectionOf(store.set(userKey('ann'), apiKey('canary'))))
    expect(write.value).toMatchObject(UNAVAILABLE)
    expect(write.milliseconds).toBeLessThan(5500)

    fake.faults.clear()
    clock.time += 2000
    expect((await store.get(serviceKey()))?.secret).toBe('canary-stored')
  })

  it.each(FAULTS)('with %s at the login', async (fault) => {
    const store = storeOver(fake, {
      now: () => clock.time,
      onEvent: (event) => events.push(event),
    })
    fake.faults.always(fault, 'login')
    const { value: error, milliseconds } = await timed(() => rejectionOf(store.get(serviceKey())))
    expect(error).toMatchObject(UNAVAILABLE)
    expect(milliseconds).toBeLessThan(2500)
    fake.faults.clear()
    // The login has its own deadline, a few milliseconds after that of the reader who caused it.
    await until(() => events.some((event) => event.type === 'login' && event.outcome === 'failed'))
    clock.time += 2000
    expect((await store.get(serviceKey()))?.secret).toBe('canary-stored')
  })

  it('leaves no repetition behind but that of the call that was given up', async () => {
    const store = await warmStore({ readDeadlineMilliseconds: 300 })
    fake.faults.always('rate-limit')
    for (let read = 0; read < 20; read++) {
      expect(await rejectionOf(store.get(serviceKey()))).toMatchObject(UNAVAILABLE)
    }
    expect(fake.requests.length).toBe(1)
    fake.faults.clear()
    // The SDK repeats the first call after about a second, and nobody repeats anything else.
    await until(() => events.some((event) => event.type === 'circuit' && event.state === 'closed'))
    expect(fake.requests.length).toBe(2)
    expect(events.at(-1)).toEqual({ type: 'circuit', state: 'closed', abandoned: 0 })
  })

  it('is back within 5 s of a hang on the real clock', async () => {
    const store = await warmStore({ now: Date.now })
    fake.faults.always('stall')
    await rejectionOf(store.get(serviceKey()))
    await rejectionOf(store.get(serviceKey()))
    fake.faults.clear()
    const back = performance.now()
    let secret: string | undefined
    while (secret === undefined) {
      secret = await store.get(serviceKey()).then(
        (found) => found?.secret,
        () => new Promise((resolve) => setTimeout(resolve, 50)),
      )
    }
    expect(secret).toBe('canary-stored')
    expect(performance.now() - back).toBeLessThan(5000)
    // The call that hangs is not needed for that.
    expect(fake.faults.stalled).toBeGreaterThan(0)
  })

  it('lets one attempt through at a time', async () => {
    const store = await warmStore({ readDeadlineMilliseconds: 200 })
    fake.faults.always('stall')
    await rejectionOf(store.get(serviceKey()))
    fake.requests.length = 0
    clock.time += 1000
    const attempts = Array.from({ length: 50 }, () => rejectionOf(store.get(serviceKey())))
    for (const error of await Promise.all(attempts)) expect(error).toMatchObject(UNAVAILABLE)
    expect(fake.requests.length).toBe(1)
  })

  it('does not stop for one failure of the server among answers', async () => {
    const store = await warmStore()
    for (let round = 0; round < 5; round++) {
      fake.faults.next('server-error')
      await rejectionOf(store.get(serviceKey()))
      fake.faults.next('server-error')
      await rejectionOf(store.get(serviceKey()))
      expect((await store.get(serviceKey()))?.secret).toBe('canary-stored')
    }
    expect(events.filter(({ type }) => type === 'circuit')).toEqual([])
  })

  it('is not held back by a clock that was set back', async () => {
    const store = await warmStore()
    fake.faults.always('html')
    for (let read = 0; read < 3; read++) await rejectionOf(store.get(serviceKey()))
    fake.faults.clear()
    clock.time -= 3_600_000
    expect((await store.get(serviceKey()))?.secret).toBe('canary-stored')
  })

  it('runs a burst of reads to its end when all is well', async () => {
    const store = await warmStore({ readDeadlineMilliseconds: 15_000 })
    const keys = Array.from({ length: 200 }, (_, index) => userKey(`user-${index}`))
    const found = await Promise.all(keys.map((key) => store.get(key)))
    expect(found.every((each) => each === undefined)).toBe(true)
  })

  it('takes a call that had hardly any time for no sign of an outage', async () => {
    const store = await warmStore({ readDeadlineMilliseconds: 2000 })
    // All slots are taken until shortly before the deadline of those who wait for one.
    fake.faults.always('stall')
    const first = Array.from({ length: 16 }, () => store.get(serviceKey()))
    await until(() => fake.faults.stalled === 16)
    const start = performance.now()
    const late = rejectionOf(store.get(userKey('late')))
    await until(() => performance.now() - start > 1200)
    fake.faults.release()
    await Promise.all(first)
    expect(await late).toMatchObject(UNAVAILABLE)
    expect(events.filter(({ type }) => type === 'circuit')).toEqual([])
    fake.faults.clear()
    expect((await store.get(serviceKey()))?.secret).toBe('canary-stored')
  })

  it('keeps its place for others when a caller goes away', async () => {
    const store = await warmStore()
    fake.faults.next('stall')
    const controller = new AbortController()
    const reason = new Error('the caller left')
    const pending = rejectionOf(store.get(serviceKey(), { signal: controller.signal }))
    await until(() => fake.faults.stalled === 1)
    controller.abort(reason)
    expect(await pending).toBe(reason)
    expect((await store.get(serviceKey()))?.secret).toBe('canary-stored')
  })
})

describe('F04 five minutes without Infisical', () => {
  it('with status 500: the rate of requests is bounded', async () => {
    const warm = await warmStore()
    fake.faults.always('server-error')
    for (let second = 0; second < FIVE_MINUTES; second++) {
      for (let read = 0; read < 10; read++) {
        expect(await rejectionOf(warm.get(serviceKey()))).toMatchObject(UNAVAILABLE)
      }
      clock.time += 1000
    }
    expect(fake.requests.length).toBeLessThanOrEqual(FIVE_MINUTES / 2 + 5)
    fake.faults.clear()
    clock.time += 2000
    expect((await warm.get(serviceKey()))?.secret).toBe('canary-stored')
  })

  it('with a hang: the number of calls left behind is bounded', async () => {
    const store = await warmStore({ readDeadlineMilliseconds: 100 })
    fake.faults.always('stall')
    for (let attempt = 0; attempt < 60; attempt++) {
      expect(await rejectionOf(store.get(serviceKey()))).toMatchObject(UNAVAILABLE)
      clock.time += attempt < 45 ? 2000 : 30_000
    }
    expect(fake.requests.length).toBe(48)
    fake.faults.clear()
    fake.faults.release()
    await until(() => events.some((event) => event.type === 'circuit' && event.state === 'closed'))
    expect((await store.get(serviceKey()))?.secret).toBe('canary-stored')
  })

  it('a warm cache serves within its time, and longer where that is configured', async () => {
    const down = () => fake.faults.always('server-error')
    const fresh = await warmStore({ listTtlSeconds: 60 })
    down()
    clock.time += 59_000
    expect((await fresh.get(serviceKey()))?.secret).toBe('canary-stored')
    expect(fake.requests).toEqual([])
    clock.time += 1000
    expect(await rejectionOf(fresh.get(serviceKey()))).toMatchObject(UNAVAILABLE)

    fake.faults.clear()
    const patient = await warmStore({ listTtlSeconds: 60, serveStaleSeconds: 300 })
    fake.faults.always('stall')
    const { milliseconds } = await timed(async () => {
      for (let second = 0; second < FIVE_MINUTES + 59; second++) {
        expect((await patient.get(serviceKey()))?.secret).toBe('canary-stored')
        // Absence is never served late: whoever just connected would be asked to connect again.
        if (second === 61) {
          expect(await rejectionOf(patient.get(userKey('nobody')))).toMatchObject(UNAVAILABLE)
          fake.faults.clear()
          fake.faults.always('server-error')
        }
        clock.time += 1000
      }
    })
    expect(milliseconds).toBeLessThan(10_000)
    clock.time += 1000
    expect(await rejectionOf(patient.get(serviceKey()))).toMatchObject(UNAVAILABLE)
    expect(events).toContainEqual({ type: 'stale' })
  })
})

describe('X32 absence, outage and damage', () => {
  it('are three different outcomes', async () => {
    const store = await warmStore()
    expect(await store.get(userKey('nobody'))).toBeUndefined()
    fake.edit(FOLDER, 'DAMAGED_API_TOKEN', 'mcpauth:1:damaged')
    expect(await rejectionOf(store.get(serviceKey('damaged')))).toMatchObject({
      code: 'ERR_STORE_INTEGRITY',
    })
    fake.faults.always('html')
    expect(await rejectionOf(store.get(userKey('nobody')))).toMatchObject(UNAVAILABLE)
  })

  it('takes a folder that is missing for absence, since the first write creates it', async () => {
    const store = storeOver(fake, { namespace: 'unused' })
    expect(await store.get(serviceKey())).toBeUndefined()
    await store.check()
    expect(fake.secrets().length).toBe(1)
  })

  it.each([
    ['environment', { environment: 'production' }],
    ['project', { projectId: 'canary-project' }],
  ])('does not take a missing %s for absence', async (_title, options) => {
    for (const listTtlSeconds of [0, 60]) {
      const store = storeOver(fake, { ...options, listTtlSeconds })
      const error = await rejectionOf(store.get(serviceKey()))
      expect(error).toMatchObject(UNAVAILABLE)
      expect(error.message).toMatch(/project|environment/)
      expect(error.message).not.toContain('canary')
      expect(await rejectionOf(store.check())).toMatchObject(UNAVAILABLE)
    }
  })

  it.each([
    ['describe', 'describeSecret on secrets'],
    ['read-value', 'read the value of secrets'],
  ] as const)('names the permission that is missing: %s', async (permission, text) => {
    const store = await warmStore()
    fake.faults.deny(permission)
    for (const run of [() => store.get(serviceKey()), () => store.check()]) {
      const error = await rejectionOf(run())
      expect(error).toMatchObject(UNAVAILABLE)
      expect(error.message).toContain(text)
    }
    // A permission that is missing is no outage: others go on.
    expect(events.filter(({ type }) => type === 'circuit')).toEqual([])
  })

  it.each([
    ['create', 'create on secrets'],
    ['create-folder', 'create on secret-folders'],
  ] as const)('names the permission that is missing for a write: %s', async (permission, text) => {
    fake.faults.deny(permission)
    const store = storeOver(fake, { namespace: 'unused' })
    const error = await rejectionOf(store.set(serviceKey(), apiKey('canary-new')))
    expect(error).toMatchObject(UNAVAILABLE)
    expect(error.message).toContain(text)
    expect(error.message).not.toContain('canary')
  })

  it('says what to do about a folder that is missing when it may not look for it', async () => {
    fake.faults.deny('list-folders')
    const error = await rejectionOf(storeOver(fake, { namespace: 'unused' }).get(serviceKey()))
    expect(error).toMatchObject(UNAVAILABLE)
    expect(error.message).toContain('create the folder')
  })

  it('sees values that are hidden in a listing', async () => {
    fake.faults.deny('read-value')
    const store = storeOver(fake, { listTtlSeconds: 60 })
    const error = await rejectionOf(store.get(serviceKey()))
    expect(error).toMatchObject(UNAVAILABLE)
    expect(error.message).toContain('read the value of secrets')
    expect(await store.get(userKey('nobody'))).toBeUndefined()
  })
})
