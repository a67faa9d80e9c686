import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { recordFigure } from '../../../../test/security/support/figures.js'
import { parseClientDocument } from '../../src/clients/client-document.js'
import { createDocumentCache } from '../../src/clients/document-cache.js'

const METADATA = parseClientDocument(
  'https://c.example/a',
  new TextEncoder().encode(
    '{"client_id":"https://c.example/a","client_name":"C","redirect_uris":["https://c.example/cb"]}',
  ),
  {},
)
const entry = (bytes: number, expiresAt = 1000) => ({ metadata: METADATA, bytes, expiresAt })

describe('createDocumentCache()', () => {
  it('forgets the least recently used document when there are too many', () => {
    const cache = createDocumentCache(2, 1000)
    cache.set('a', entry(1), 0)
    cache.set('b', entry(1), 0)
    expect(cache.get('a', 0)).toBe(METADATA)
    cache.set('c', entry(1), 0)
    expect(['a', 'b', 'c'].map((id) => cache.get(id, 0) !== undefined)).toEqual([true, false, true])
  })

  it('forgets documents until the others fit, counted in bytes', () => {
    const cache = createDocumentCache(100, 302)
    cache.set('a', entry(100), 0)
    cache.set('b', entry(100), 0)
    cache.set('b', entry(150), 0)
    expect([cache.size, cache.bytes]).toEqual([2, 252])
    cache.set('c', entry(100), 0)
    expect([cache.size, cache.bytes]).toEqual([2, 252])
    expect(cache.get('a', 0)).toBeUndefined()
    cache.set('d', entry(500), 0)
    expect([cache.size, cache.bytes]).toEqual([0, 0])
  })

  it('never returns what has expired, and forgets it', () => {
    const cache = createDocumentCache(10, 1000)
    cache.set('a', entry(1, 10), 0)
    expect(cache.get('a', 9)).toBe(METADATA)
    expect(cache.get('a', 10)).toBeUndefined()
    expect([cache.size, cache.bytes]).toEqual([0, 0])
  })

  it('M23 stays within its bounds and 20 MB for 10,000 documents', () => {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc')
    const cache = createDocumentCache(1000, 2 * 1024 * 1024)
    gc()
    const before = process.memoryUsage().heapUsed
    for (let index = 0; index < 10_000; index += 1) {
      const id = `https://c.example/${index}`
      const redirects = Array.from({ length: 2 }, (_, each) => {
        return `https://c.example/${index}/${each}/${'a'.repeat(2000)}`
      })
      const text = JSON.stringify({ client_id: id, client_name: 'C', redirect_uris: redirects })
      const body = new TextEncoder().encode(text)
      expect(body.byteLength).toBeLessThanOrEqual(5 * 1024)
      const metadata = parseClientDocument(id, body, {})
      cache.set(id, { metadata, bytes: body.byteLength, expiresAt: 1e15 }, index)
    }
    gc()
    expect(cache.size).toBeLessThanOrEqual(1000)
    expect(cache.size).toBeGreaterThan(300)
    expect(cache.bytes).toBeLessThanOrEqual(2 * 1024 * 1024)
    const grown = process.memoryUsage().heapUsed - before
    recordFigure({
      id: 'R14',
      part: 'client-documents',
      values: {
        'client documents': 10_000,
        'heap of client documents (MB)': Math.round(grown / 1e5) / 10,
      },
      isMet: grown < 20e6,
      method:
        '10,000 documents of clients go through the cache; the heap is read after a collection.',
    })
    expect(grown).toBeLessThan(20e6)
  })
})
