import { describe, expect, it, onTestFinished } from 'vitest'
import { runDoctor } from '../../src/doctor/run-doctor.js'
import { empty, json, page } from './broken-servers/exchange.js'
import type { Replacement } from './broken-servers/parts.js'
import { startSite } from './broken-servers/site.js'

async function checkedOf(replacement: Replacement, change: (resource: string) => string) {
  const site = await startSite(replacement)
  onTestFinished(() => site.close())
  const url = change(site.urls.resource)
  const { checkedUrl, remarks, checks } = await runDoctor({ url, fetch: site.fetch })
  const path = new URL(checkedUrl).pathname
  const isSaid = remarks.some((each) => each.includes(`it is ${checkedUrl}, which was checked`))
  return { path, isSaid, first: checks[0]?.findings[0]?.reason }
}

const origin = (resource: string): string => new URL(resource).origin
const withSlash = (resource: string): string => `${resource}/`

describe('a URL without its path', () => {
  it.each<[string, Replacement]>([
    ['in order', {}],
    ['without a challenge', { refuse: () => json(401, { error: 'unauthorized' }) }],
    ['that answers 403', { refuse: () => json(403, { error: 'forbidden' }) }],
    [
      'without a challenge and without metadata',
      { refuse: () => json(401, { error: 'unauthorized' }), resourceMetadataPaths: () => [] },
    ],
  ])('leads to an endpoint %s', async (_name, replacement) => {
    const { path, isSaid } = await checkedOf(replacement, origin)
    expect([path, isSaid]).toEqual(['/mcp', true])
  })

  it('is checked as it is where a page answers on every path', async () => {
    const { path, isSaid } = await checkedOf({ proxy: () => page(200, 'App') }, origin)
    expect([path, isSaid]).toEqual(['/', false])
  })

  it('is checked as it is where nothing is', async () => {
    const { path, first } = await checkedOf({ proxy: () => empty(404) }, origin)
    expect(path).toBe('/')
    expect(first).toContain('not the URL of an MCP endpoint')
  })
})

describe('a URL with a slash too many', () => {
  it.each<[string, Replacement]>([
    ['in order', {}],
    ['without a challenge', { refuse: () => json(401, { error: 'unauthorized' }) }],
  ])('leads to an endpoint %s', async (_name, replacement) => {
    const { path, isSaid } = await checkedOf(replacement, withSlash)
    expect([path, isSaid]).toEqual(['/mcp', true])
  })

  it('is checked as it is where there is nothing without it either', async () => {
    const { path } = await checkedOf({ proxy: () => empty(404) }, withSlash)
    expect(path).toBe('/mcp/')
  })
})
