import { describe, expect, it, vi } from 'vitest'
import { clientKeysOutage, createClientKeysFetch } from '../../src/engine/client-keys.js'
import { createEngineScope, runInScope } from '../../src/engine/engine-scope.js'

const KEYS = 'https://client.example/jwks.json'

function answering(status: number) {
  return vi.fn(async () => new Response('{"keys":[]}', { status }))
}

function failureOf(run: Promise<unknown>): Promise<unknown> {
  return run.then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('the fetch of client keys', () => {
  it('M10 asks nobody within a transaction, and takes that for an outage', async () => {
    const publicFetch = answering(200)
    const fetchKeys = createClientKeysFetch(publicFetch)
    const scope = createEngineScope({ mayFetch: false })
    const error = await failureOf(runInScope(scope, () => fetchKeys(KEYS)))
    expect(clientKeysOutage(error)).toBeInstanceOf(Error)
    expect(publicFetch).not.toHaveBeenCalled()
    const response = await runInScope(createEngineScope(), () => fetchKeys(KEYS))
    expect([response.status, publicFetch.mock.calls.length]).toEqual([200, 1])
  })

  it('asks nobody for a caller who has made this server fetch too often', async () => {
    const publicFetch = answering(200)
    const scope = createEngineScope({ countFetch: async () => 7 })
    const run = runInScope(scope, () => createClientKeysFetch(publicFetch)(KEYS))
    expect(await failureOf(run)).toMatchObject({ retryAfterSeconds: 7 })
    expect(publicFetch).not.toHaveBeenCalled()
  })

  it.each([
    [404, false],
    [410, false],
    [403, true],
    [500, true],
    [302, true],
  ])('takes status %i for an outage: %s', async (status, isOutage) => {
    const error = await failureOf(createClientKeysFetch(answering(status))(KEYS))
    expect(error).toBeInstanceOf(Error)
    expect(clientKeysOutage(new Error('of the engine', { cause: error })) !== undefined).toBe(
      isOutage,
    )
  })
})
