import { describe, expect, it } from 'vitest'
import { formatBearerChallenge } from '../../src/resource-server/challenge.js'

const METADATA = 'https://mcp.test/.well-known/oauth-protected-resource/mcp'

describe('formatBearerChallenge()', () => {
  it('is the bare scheme when there is nothing to say', () => {
    expect(formatBearerChallenge({})).toBe('Bearer')
  })

  // RFC 6750 section 3.1: no credentials, no error code.
  it('sends no error when the request carried no credentials', () => {
    expect(formatBearerChallenge({ resourceMetadata: METADATA, scope: ['a', 'b'] })).toBe(
      `Bearer scope="a b", resource_metadata="${METADATA}"`,
    )
  })

  it('leaves an empty scope list out', () => {
    expect(formatBearerChallenge({ resourceMetadata: METADATA, scope: [] })).toBe(
      `Bearer resource_metadata="${METADATA}"`,
    )
  })

  it('puts the description last, where no client finds scope= in its text', () => {
    const challenge = formatBearerChallenge({
      realm: 'MCP Server',
      error: 'insufficient_scope',
      errorDescription: 'Needs more',
      scope: ['write'],
      resourceMetadata: METADATA,
    })
    expect(challenge).toBe(
      `Bearer realm="MCP Server", error="insufficient_scope", scope="write", resource_metadata="${METADATA}", error_description="Needs more"`,
    )
  })

  it('repeats the metadata under the non-standard name only when asked', () => {
    expect(formatBearerChallenge({ resourceMetadata: METADATA, resourceMetadataUri: true })).toBe(
      `Bearer resource_metadata="${METADATA}", resource_metadata_uri="${METADATA}"`,
    )
    expect(formatBearerChallenge({ resourceMetadataUri: true })).toBe('Bearer')
  })

  // RFC 6750 section 3: values are %x20-21 / %x23-5B / %x5D-7E.
  it.each([
    ['a quote and another attribute', 'x", error="y', 'x, error=y'],
    ['a backslash', 'x\\', 'x'],
    ['a line break', 'x\r\nSet-Cookie: y', 'xSet-Cookie: y'],
    ['characters beyond ASCII', 'x\u00e9\u202e\ud83d\ude00y\x7f', 'xy'],
  ])('keeps %s inside the value', (_, realm, expected) => {
    expect(formatBearerChallenge({ realm })).toBe(`Bearer realm="${expected}"`)
  })
})
