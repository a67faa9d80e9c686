import {
  OpenIdProviderDiscoveryMetadataSchema as openIdV2,
  OAuthClientInformationFullSchema as registrationV2,
  OAuthProtectedResourceMetadataSchema as resourceV2,
  OAuthMetadataSchema as serverV2,
} from '@modelcontextprotocol/core'
import {
  OpenIdProviderDiscoveryMetadataSchema as openIdV1,
  OAuthClientInformationFullSchema as registrationV1,
  OAuthProtectedResourceMetadataSchema as resourceV1,
  OAuthMetadataSchema as serverV1,
} from '@modelcontextprotocol/sdk/shared/auth.js'
import { describe, expect, it } from 'vitest'
import {
  findShapeFaults,
  OpenIdMetadata,
  Registration,
  ResourceMetadata,
  ServerMetadata,
} from '../../src/doctor/checks/schemas.js'

const U = 'https://login.example.com/x'
const LIST = ['a']

const RESOURCE = { resource: 'https://coda.example.com/mcp', authorization_servers: [U] }
const SERVER = {
  issuer: 'https://login.example.com',
  authorization_endpoint: U,
  token_endpoint: U,
  registration_endpoint: U,
  response_types_supported: ['code'],
}
const OPEN_ID = {
  ...SERVER,
  jwks_uri: U,
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
}
const CLIENT = { client_id: 'a', redirect_uris: [U], client_secret: 's', logo_uri: '' }

interface Parser {
  safeParse(value: unknown): { readonly success: boolean }
}

const DOCUMENTS = [
  ['resource metadata', ResourceMetadata, resourceV1, resourceV2, RESOURCE],
  ['server metadata', ServerMetadata, serverV1, serverV2, SERVER],
  ['OpenID metadata', OpenIdMetadata, openIdV1, openIdV2, OPEN_ID],
  ['a registration', Registration, registrationV1, registrationV2, CLIENT],
] as const

/** Every member that either schema of the SDKs has. */
function membersOf(schema: { readonly shape: object }): readonly string[] {
  return Object.keys(schema.shape)
}

const VALUES: readonly unknown[] = [
  null,
  'text',
  7,
  true,
  '',
  'javascript:alert(1)',
  U,
  LIST,
  [null],
  [7],
]

describe.each(DOCUMENTS)('the shape of %s', (_name, own, v1, v2, document) => {
  it('is met by a document in order', () => {
    expect(findShapeFaults(own, document)).toEqual([])
    expect([v1, v2].map((each: Parser) => each.safeParse(document).success)).toEqual([true, true])
  })

  it.each(Object.keys(document))('agrees with both SDKs about a missing %s', (member) => {
    const { [member]: _left, ...rest }: Record<string, unknown> = document
    const taken = findShapeFaults(own, rest).length === 0
    expect([v1, v2].map((each: Parser) => each.safeParse(rest).success)).toEqual([taken, taken])
  })

  it('takes what both SDKs take of every value of every member', () => {
    const members = [...new Set([...membersOf(v1), ...membersOf(v2), 'unknown_member'])]
    expect(members.length).toBeGreaterThan(12)
    for (const member of members) {
      for (const value of VALUES) {
        const changed = { ...document, [member]: value }
        const taken = findShapeFaults(own, changed).length === 0
        const sdks = [v1, v2].every((each: Parser) => each.safeParse(changed).success)
        expect([member, value, sdks]).toEqual([member, value, taken])
      }
    }
  })
})

describe('findShapeFaults()', () => {
  it('tells null, absence and a wrong type apart', () => {
    const document = { ...SERVER, registration_endpoint: null, scopes_supported: 'a b' }
    const { token_endpoint: _left, ...rest } = document
    expect(findShapeFaults(ServerMetadata, rest)).toEqual([
      { member: 'token_endpoint', problem: 'is missing' },
      { member: 'registration_endpoint', problem: 'is null' },
      { member: 'scopes_supported', problem: 'has the wrong type' },
    ])
  })
})
