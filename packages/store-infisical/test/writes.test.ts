import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { InfisicalEvent } from '../src/index.js'
import { type FakeFault, type FakeInfisical, startFakeInfisical } from './fake-infisical/index.js'
import {
  apiKey,
  FOLDER,
  oauth,
  rejectionOf,
  serviceKey,
  storeOver,
  timed,
  until,
  userKey,
} from './support.js'

const UNAVAILABLE = { code: 'ERR_STORE_UNAVAILABLE' }

let fake: FakeInfisical
beforeEach(async () => {
  fake = await startFakeInfisical()
})
afterEach(() => fake.close())

function storedValue(name = 'CODA_API_TOKEN'): string | undefined {
  return fake.secrets().find((secret) => secret.name === name)?.value
}

describe('set()', () => {
  it('creates the folder on the first write, in a path of several parts', async () => {
    const store = storeOver(fake, { path: '/servers/coda', namespace: 'live' })
    await store.set(serviceKey(), apiKey('canary'))
    expect(fake.secrets()).toMatchObject([{ path: '/servers/coda/live', value: 'canary' }])
    expect(fake.count('createFolder')).toBe(1)
    await store.set(userKey('ann'), apiKey('canary'))
    expect(fake.count('createFolder')).toBe(1)
  })

  it('works at the root of the environment', async () => {
    const store = storeOver(fake, { path: '/' })
    await store.set(serviceKey(), apiKey('canary'))
    expect(fake.secrets()).toMatchObject([{ path: '/default' }])
    expect((await store.get(serviceKey()))?.secret).toBe('canary')
  })

  it('takes one request for a secret that exists, and two for a new one', async () => {
    const store = storeOver(fake)
    await store.set(serviceKey(), apiKey('canary-first'))
    fake.requests.length = 0
    await store.set(serviceKey(), apiKey('canary-second'))
    expect(fake.requests.map(({ endpoint }) => endpoint)).toEqual(['updateSecret'])
    fake.requests.length = 0
    await store.set(userKey('ann'), apiKey('canary'))
    expect(fake.requests.map(({ endpoint }) => endpoint)).toEqual(['updateSecret', 'createSecret'])
  })

  it('survives the refusal that follows from its own repeated creation', async () => {
    fake.edit(FOLDER, 'OTHER', 'x')
    fake.faults.next('reset-after-apply', 'createSecret')
    const store = storeOver(fake)
    await store.set(serviceKey(), apiKey('canary-new'))
    expect(storedValue()).toBe('canary-new')
    expect(fake.count('createSecret')).toBe(2)
  })

  it.each<FakeFault>(['server-error', 'html', 'stall', 'reset'])(
    'rejects in time with %s and changes nothing of what is stored',
    async (fault) => {
      const store = storeOver(fake, { writeDeadlineMilliseconds: 600 })
      await store.set(serviceKey(), apiKey('canary-first'))
      fake.faults.always(fault, 'updateSecret')
      const { value, milliseconds } = await timed(() =>
        rejectionOf(store.set(serviceKey(), apiKey('canary-second'))),
      )
      expect(value).toMatchObject(UNAVAILABLE)
      expect(value.message).not.toContain('canary')
      expect(milliseconds).toBeLessThan(1000)
      expect(storedValue()).toBe('canary-first')
    },
  )
})

describe('changes that wait for an approval', () => {
  it.each([
    ['update', (): Promise<unknown> => storeOver(fake).set(serviceKey(), apiKey('canary-new'))],
    ['creation', () => storeOver(fake).set(userKey('ann'), apiKey('canary-new'))],
    [
      'creation only',
      () => storeOver(fake).set(userKey('ann'), apiKey('canary-new'), { ifAbsent: true }),
    ],
    ['deletion', () => storeOver(fake).delete(serviceKey())],
    ['tombstone', () => storeOver(fake).delete(serviceKey(), { tombstone: true })],
  ])('are an error that says so: %s', async (_title, run) => {
    fake.edit(FOLDER, 'CODA_API_TOKEN', 'canary-first')
    fake.faults.always('approval')
    const error = await rejectionOf(run())
    expect(error).toMatchObject(UNAVAILABLE)
    expect(error.message).toContain('approval pending: nothing was written')
    expect(fake.secrets()).toMatchObject([{ name: 'CODA_API_TOKEN', value: 'canary-first' }])
  })
})

describe('a write that ran into its deadline', () => {
  it('is never repeated over a newer value', async () => {
    const store = storeOver(fake)
    await store.set(serviceKey(), apiKey('canary-first'))
    const hasty = storeOver(fake, { writeDeadlineMilliseconds: 300, listTtlSeconds: 60 })
    await hasty.get(serviceKey())
    // The server makes the change, and the SDK, which saw no answer, repeats it a second later.
    fake.faults.next('reset-after-apply', 'updateSecret')
    expect(await rejectionOf(hasty.set(serviceKey(), apiKey('canary-older')))).toMatchObject(
      UNAVAILABLE,
    )
    const refused = await rejectionOf(hasty.set(serviceKey(), apiKey('canary-newer')))
    expect(refused).toMatchObject(UNAVAILABLE)
    expect(refused.message).toContain('an earlier write')

    await until(() => fake.count('updateSecret') === 3)
    let written = false
    while (!written) {
      written = await hasty.set(serviceKey(), apiKey('canary-newer')).then(
        () => true,
        () => false,
      )
    }
    expect(storedValue()).toBe('canary-newer')
    expect((await hasty.get(serviceKey()))?.secret).toBe('canary-newer')
    // Nothing is left that could bring the older value back: the store is idle.
    const requests = fake.requests.length
    await hasty.set(serviceKey(), apiKey('canary-newest'))
    expect(fake.requests.length).toBe(requests + 1)
    expect(storedValue()).toBe('canary-newest')
  })

  it('makes a newer write wait for its end', async () => {
    const store = storeOver(fake, { writeDeadlineMilliseconds: 1500 })
    await store.set(serviceKey(), apiKey('canary-first'))
    fake.faults.next('stall', 'updateSecret')
    const older = rejectionOf(store.set(serviceKey(), apiKey('canary-older')))
    await until(() => fake.faults.stalled === 1)
    expect(await older).toMatchObject(UNAVAILABLE)
    const newer = store.set(serviceKey(), apiKey('canary-newer'))
    expect(fake.count('updateSecret')).toBe(2)
    fake.faults.release()
    expect((await newer).secret).toBe('canary-newer')
    expect(storedValue()).toBe('canary-newer')
  })

  it('locks no other credential', async () => {
    const events: InfisicalEvent[] = []
    const store = storeOver(fake, {
      writeDeadlineMilliseconds: 300,
      onEvent: (event) => events.push(event),
    })
    await store.set(serviceKey(), apiKey('canary-first'))
    await store.set(userKey('ann'), apiKey('canary-first'))
    fake.faults.next('stall', 'updateSecret')
    await rejectionOf(store.set(serviceKey(), apiKey('canary-older')))
    let written = false
    while (!written) {
      written = await store.set(userKey('ann'), apiKey('canary-ann')).then(
        () => true,
        () => new Promise((resolve) => setTimeout(() => resolve(false), 50)),
      )
    }
    expect((await store.get(userKey('ann')))?.secret).toBe('canary-ann')
    expect(fake.faults.stalled).toBe(1)
  })

  it('goes on with no further request after the deadline', async () => {
    const store = storeOver(fake, { writeDeadlineMilliseconds: 300 })
    await store.get(serviceKey())
    fake.edit(FOLDER, 'OTHER', 'x')
    fake.faults.next('stall', 'updateSecret')
    await rejectionOf(store.set(serviceKey(), apiKey('canary-late')))
    fake.faults.release()
    await until(() => fake.faults.stalled === 0)
    // The next write of the same key comes after everything the first one could still do.
    await storeOver(fake).check()
    expect(storedValue()).toBeUndefined()
    expect(fake.count('createSecret')).toBe(0)
  })

  it('writes one key in the order of the calls', async () => {
    const store = storeOver(fake)
    await store.set(serviceKey(), apiKey('canary-0'))
    const writes = Array.from({ length: 20 }, (_, index) =>
      store.set(serviceKey(), apiKey(`canary-${index}`)),
    )
    await Promise.all(writes)
    expect(storedValue()).toBe('canary-19')
  })
})

describe('ifAbsent', () => {
  it('recognises its own creation when the SDK repeats the request', async () => {
    const store = storeOver(fake)
    fake.edit(FOLDER, 'OTHER', 'x')
    for (const input of [apiKey('canary-bare'), oauth('canary-json')]) {
      const key = input.kind === 'api-key' ? serviceKey() : userKey('ann')
      fake.faults.next('reset-after-apply', 'createSecret')
      const written = await store.set(key, input, { ifAbsent: true })
      expect((await store.get(key))?.version).toBe(written.version)
    }
  })

  it('does not take an equal value of another writer for its own', async () => {
    const input = apiKey('canary-same')
    await storeOver(fake).set(serviceKey(), input, { ifAbsent: true })
    const error = await rejectionOf(storeOver(fake).set(serviceKey(), input, { ifAbsent: true }))
    expect(error).toMatchObject({ code: 'ERR_STORE_CONFLICT' })
  })

  it('does not write over what a person created', async () => {
    fake.edit(FOLDER, 'CODA_API_TOKEN', 'canary-by-hand')
    const write = storeOver(fake).set(serviceKey(), apiKey('canary'), { ifAbsent: true })
    expect(await rejectionOf(write)).toMatchObject({ code: 'ERR_STORE_CONFLICT' })
    expect(storedValue()).toBe('canary-by-hand')
  })

  it('creates the folder too', async () => {
    const store = storeOver(fake, { namespace: 'unused' })
    await store.set(serviceKey(), apiKey('canary'), { ifAbsent: true })
    expect(fake.secrets()).toMatchObject([{ path: '/mcp-auth/unused' }])
  })
})

describe('delete()', () => {
  it('tells whether there was one, also where it may not see the value', async () => {
    const store = storeOver(fake)
    expect(await store.delete(serviceKey())).toBe(false)
    fake.edit(FOLDER, 'CODA_API_TOKEN', 'canary')
    expect(await store.delete(serviceKey())).toBe(true)
    expect(fake.secrets()).toEqual([])
  })

  it('finds out by reading what an unknown 404 means', async () => {
    fake.edit(FOLDER, 'OTHER', 'x')
    fake.project.deletionOfMissing = 'The requested resource is gone'
    expect(await storeOver(fake).delete(serviceKey())).toBe(false)
    expect(fake.count('getSecret')).toBe(1)
  })

  it('removes a damaged value when asked to, which reading never does', async () => {
    fake.edit(FOLDER, 'CODA_API_TOKEN', 'mcpauth:1:damaged')
    const store = storeOver(fake)
    await rejectionOf(store.get(serviceKey()))
    expect(await store.delete(serviceKey())).toBe(true)
  })

  it('refuses a version without a request', async () => {
    const store = storeOver(fake)
    const error = await rejectionOf(store.delete(serviceKey(), { ifVersion: 'v' }))
    expect(error).toMatchObject({ code: 'ERR_STORE_UNSUPPORTED' })
    expect(fake.requests).toEqual([])
  })

  it('leaves a tombstone that people can tell from a key', async () => {
    const store = storeOver(fake)
    await store.set(userKey('ann'), apiKey('canary-ann'))
    await store.delete(userKey('ann'), { tombstone: true })
    expect(fake.secrets()[0]?.value).toMatch(/^mcpauth:0:[\w-]+$/)
    expect(JSON.stringify(fake.secrets())).not.toContain('canary')
    // A person puts a key in its place.
    const [{ name } = { name: '' }] = fake.secrets()
    fake.edit(FOLDER, name, 'canary-by-hand', fake.secrets()[0]?.comment)
    expect((await store.get(userKey('ann')))?.secret).toBe('canary-by-hand')
    expect(await store.tombstone?.(userKey('ann'))).toBeUndefined()
  })
})

describe('audit', () => {
  it('is told of every access, without a value or a subject', async () => {
    const events: unknown[] = []
    const store = storeOver(fake, { audit: { record: (event) => void events.push(event) } })
    await store.set(userKey('canary-subject'), apiKey('canary-value'))
    await store.get(userKey('canary-subject'))
    await store.get(serviceKey())
    await store.delete(userKey('canary-subject'))
    await rejectionOf(store.set(serviceKey(), apiKey('x'), { ifVersion: 'v' })).catch(
      () => undefined,
    )
    fake.faults.always('html')
    await rejectionOf(store.get(serviceKey()))
    expect(events).toMatchObject([
      { operation: 'write', outcome: 'done', store: 'infisical', namespace: 'default' },
      { operation: 'read', outcome: 'done', owner: 'user' },
      { operation: 'read', outcome: 'absent', owner: 'service' },
      { operation: 'delete', outcome: 'done' },
      { operation: 'read', outcome: 'failed', reason: 'ERR_STORE_UNAVAILABLE' },
    ])
    expect(JSON.stringify(events)).not.toContain('canary')
  })
})
