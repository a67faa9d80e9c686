import { extractWWWAuthenticateParams as readV2 } from '@modelcontextprotocol/client'
import { extractWWWAuthenticateParams as readV1 } from '@modelcontextprotocol/sdk/client/auth.js'
import { describe, expect, it } from 'vitest'
import { parseBearerChallenge } from '../../src/doctor/survey/bearer-challenge.js'

const URL_OF_METADATA = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'

const READABLE = [
  `Bearer resource_metadata="${URL_OF_METADATA}"`,
  `bearer resource_metadata="${URL_OF_METADATA}"`,
  `Bearer scope="a b", resource_metadata="${URL_OF_METADATA}", error="invalid_token"`,
  `Bearer resource_metadata=${URL_OF_METADATA}`,
  `Bearer resource_metadata="${URL_OF_METADATA}", resource_metadata_uri="https://other.example"`,
]
const UNREADABLE = [
  `Bearer resource_metadata_uri="${URL_OF_METADATA}"`,
  `Bearer realm="x"`,
  `Basic realm="x", Bearer resource_metadata="${URL_OF_METADATA}"`,
  `Bearer  resource_metadata="${URL_OF_METADATA}"`,
  'Bearer',
]

describe('parseBearerChallenge()', () => {
  function asSdk(header: string): string | undefined {
    const challenge = parseBearerChallenge(header)
    return challenge.isReadable ? challenge.resourceMetadata : undefined
  }

  it.each(READABLE)('finds the metadata in %s, as both SDKs do', (header) => {
    const response = new Response(null, { status: 401, headers: { 'www-authenticate': header } })
    expect(readV1(response).resourceMetadataUrl?.href).toBe(URL_OF_METADATA)
    expect(readV2(response).resourceMetadataUrl?.href).toBe(URL_OF_METADATA)
    expect(asSdk(header)).toBe(URL_OF_METADATA)
  })

  it.each(UNREADABLE)('finds none in %s, as SDK v1 does', (header) => {
    const response = new Response(null, { status: 401, headers: { 'www-authenticate': header } })
    expect(readV1(response).resourceMetadataUrl).toBeUndefined()
    expect(asSdk(header)).toBeUndefined()
  })

  it('counts the parameter, and not others whose name begins alike', () => {
    const twice = `Bearer resource_metadata="a", resource_metadata="b", resource_metadata_uri="c"`
    expect(parseBearerChallenge(twice).resourceMetadataCount).toBe(2)
    expect(parseBearerChallenge('Bearer xresource_metadata="a"').resourceMetadataCount).toBe(0)
  })

  it('reads quoted values with what is escaped in them', () => {
    const { scope, error } = parseBearerChallenge('Bearer scope="a \\"b\\"", error="invalid_token"')
    expect([scope, error]).toEqual(['a "b"', 'invalid_token'])
  })
})
