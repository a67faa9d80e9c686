import { describe, expect, it } from 'vitest'
import { metadataLocations } from '../../src/metadata/protected-resource-metadata.js'

const locate = (url: string, localPath?: string) =>
  metadataLocations(new URL(url), localPath ?? new URL(url).pathname)

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

describe('metadataLocations()', () => {
  // RFC 9728 section 3.1: the well-known part goes between the host and the path.
  it.each([
    ['a path', 'https://mcp.test/mcp', `${WELL_KNOWN}/mcp`],
    ['a longer path', 'https://mcp.test/a/b', `${WELL_KNOWN}/a/b`],
    ['no path', 'https://mcp.test', WELL_KNOWN],
    ['a port', 'http://127.0.0.1:3000/mcp', `${WELL_KNOWN}/mcp`],
  ])('inserts the well-known part before %s', (_, url, path) => {
    expect(locate(url)).toEqual({
      metadataUrl: `${new URL(url).origin}${path}`,
      metadataPaths: [path],
    })
  })

  it('names the address below the prefix that a proxy strips, and serves the standard one too', () => {
    expect(locate('https://mcp.test/coda/mcp', '/mcp')).toEqual({
      metadataUrl: `https://mcp.test/coda${WELL_KNOWN}/mcp`,
      metadataPaths: [`${WELL_KNOWN}/coda/mcp`, `${WELL_KNOWN}/mcp`],
    })
  })

  it('does the same when nothing is left of the path', () => {
    expect(locate('https://mcp.test/coda', '/')).toEqual({
      metadataUrl: `https://mcp.test/coda${WELL_KNOWN}`,
      metadataPaths: [`${WELL_KNOWN}/coda`, WELL_KNOWN],
    })
  })

  it.each([
    ['rewrites the path', '/internal'],
    ['adds a prefix', '/x/coda/mcp'],
    ['ends alike inside a segment', '/da/mcp'],
  ])('stays at the standard place when a proxy %s', (_, localPath) => {
    expect(locate('https://mcp.test/coda/mcp', localPath).metadataUrl).toBe(
      `https://mcp.test${WELL_KNOWN}/coda/mcp`,
    )
  })
})
