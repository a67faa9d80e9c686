import { afterEach, describe, expect, it, vi } from 'vitest'
import { discoverJwksUri } from '../../src/jwt/discovery.js'
import { fetchJson, withDeadline } from '../../src/jwt/json-fetch.js'

const URL = 'https://as.test/jwks'

afterEach(() => {
  vi.useRealTimers()
})

describe('fetchJson()', () => {
  it('asks for JSON, follows nothing and gives its signal on', async () => {
    const { signal } = new AbortController()
    const asked: unknown[] = []
    const fetch: typeof globalThis.fetch = async (...request) => {
      asked.push(request)
      return Response.json({})
    }
    expect(await fetchJson(URL, fetch, signal)).toMatchObject({ ok: true })
    const headers = { accept: 'application/json' }
    expect(asked).toEqual([[URL, { method: 'GET', headers, redirect: 'manual', signal }]])
  })

  it.each<[Partial<Response>, string]>([
    [{ status: 0, type: 'opaqueredirect', body: null }, 'redirected'],
    [{ status: 0, type: 'opaque', body: null }, 'http_status'],
    [{ status: 302, type: 'basic', body: null }, 'redirected'],
    [{ status: 299, type: 'basic', body: null }, 'http_status'],
    [{ status: 400, type: 'basic', body: null }, 'http_status'],
  ])('says of an answer %j: %s', async (response, reason) => {
    const fetch = async () => response as Response
    const outcome = await fetchJson(URL, fetch, new AbortController().signal)
    expect(outcome).toEqual({ ok: false, reason })
  })

  it.each([
    [false, 'network_error'],
    [true, 'timeout'],
  ])('tells a deadline from a failure: %s', async (isOver, reason) => {
    const controller = new AbortController()
    const fetch = async () => {
      if (isOver) controller.abort()
      throw new TypeError('fetch failed')
    }
    const outcome = await fetchJson(URL, fetch, controller.signal)
    expect(outcome).toEqual({ ok: false, reason })
  })
})

describe('withDeadline()', () => {
  it('leaves no timer behind', async () => {
    vi.useFakeTimers()
    const work = withDeadline(
      1000,
      async () => 'done',
      () => 'late',
    )
    expect(vi.getTimerCount()).toBe(1)
    expect(await work).toBe('done')
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('discoverJwksUri()', () => {
  it.each([
    [false, 2, 'network_error'],
    [true, 1, 'timeout'],
  ])('asks at the next place only before its deadline: %s', async (isOver, requests, reason) => {
    const controller = new AbortController()
    let count = 0
    const fetch = async () => {
      count += 1
      if (isOver) controller.abort()
      throw new TypeError('fetch failed')
    }
    const issuer = 'https://as.test/tenant'
    expect(await discoverJwksUri(issuer, issuer, fetch, controller.signal)).toEqual({
      ok: false,
      reason,
      misconfigured: false,
    })
    expect(count).toBe(requests)
  })
})
