import { extractWWWAuthenticateParams as readByV2 } from '@modelcontextprotocol/client'
import { extractWWWAuthenticateParams as readByV1 } from '@modelcontextprotocol/sdk/client/auth.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type BearerChallenge,
  formatBearerChallenge,
} from '../../../packages/mcp-auth-middleware/src/resource-server/challenge.js'
import { parseChallenge } from './support/challenge-oracle.js'
import { expectToHold, isCaught, PATIENCE } from './support/property.js'

type Format = (challenge: BearerChallenge) => string

/** Text that would break out of its quotes, and text that a search of the whole header would find. */
const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        ...['"', '\\', ',', ' ', '\r\n', '\0', 'x', '=', 'error=', 'scope=admin', 'scope="admin"'],
        ...[
          '", error="x',
          'resource_metadata="https://evil.test"',
          'Bearer ',
          '\u202e',
          '\u{1f600}',
          '\x7f',
        ],
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join('')),
)

const scopeToken = fc.string({
  unit: fc.constantFrom(...'azAZ09:/._-!#$&*=,;()~'),
  minLength: 1,
  maxLength: 12,
})

const pathCharacters = fc.string({ unit: fc.constantFrom(...'abz09-._~/'), maxLength: 20 })

const challenges: fc.Arbitrary<BearerChallenge> = fc.record({
  error: fc.constantFrom(undefined, 'invalid_request', 'invalid_token', 'insufficient_scope'),
  errorDescription: fc.option(hostileText, { nil: undefined }),
  scope: fc.option(fc.uniqueArray(scopeToken, { maxLength: 4 }), { nil: undefined }),
  resourceMetadata: fc.option(
    pathCharacters.map(
      (path) => new URL(`/.well-known/oauth-protected-resource/${path}`, 'https://mcp.test').href,
    ),
    { nil: undefined },
  ),
  // Configuration lets in printable ASCII without quotes and backslashes.
  realm: fc.option(fc.string({ unit: fc.constantFrom(...'aZ09 ,;:/()'), minLength: 1 }), {
    nil: undefined,
  }),
  resourceMetadataUri: fc.boolean(),
})

/** What is left of a text inside quotes (RFC 6750 section 3). */
const legal = (text: string) => text.replace(/[^\x20-\x7e]|["\\]/g, '')

function expectedParameters(challenge: BearerChallenge): Record<string, string> {
  const { error, errorDescription, scope = [], resourceMetadata, realm } = challenge
  return {
    ...(realm !== undefined && { realm }),
    ...(error !== undefined && { error }),
    ...(scope.length > 0 && { scope: scope.join(' ') }),
    ...(resourceMetadata !== undefined && { resource_metadata: resourceMetadata }),
    ...(resourceMetadata !== undefined &&
      challenge.resourceMetadataUri === true && { resource_metadata_uri: resourceMetadata }),
    ...(errorDescription !== undefined && { error_description: legal(errorDescription) }),
  }
}

/** The strict reader of RFC 9110 gets back exactly what went in. */
const isReadStrictly = (format: Format) =>
  fc.property(challenges, (challenge) => {
    const { scheme, parameters } = parseChallenge(format(challenge))
    expect(scheme).toBe('Bearer')
    expect(Object.fromEntries(parameters)).toEqual(expectedParameters(challenge))
  })

/** Both generations of the MCP SDK find what went in, and nothing else. */
const isReadBySdks = (format: Format) =>
  fc.property(challenges, (challenge) => {
    const response = new Response(null, { headers: { 'www-authenticate': format(challenge) } })
    const expected = expectedParameters(challenge)
    // Both read `error_description=""` as two quotation marks; nobody sends an empty one.
    fc.pre(expected.error_description !== '')
    // They search the whole header for `scope=`, so without one the description can be taken for it.
    fc.pre(expected.scope !== undefined || !/scope=/.test(expected.error_description ?? ''))
    fc.pre(expected.error !== undefined || !/error=/.test(expected.error_description ?? ''))
    fc.pre(
      expected.resource_metadata !== undefined ||
        !/resource_metadata=/.test(expected.error_description ?? ''),
    )
    for (const read of [readByV1, readByV2]) {
      const { resourceMetadataUrl, scope, error } = read(response)
      expect(scope).toBe(expected.scope)
      expect(error).toBe(expected.error)
      expect(resourceMetadataUrl?.href).toBe(expected.resource_metadata)
    }
    const { errorDescription } = readByV2(response)
    expect(errorDescription ?? '').toBe(expected.error_description ?? '')
  })

describe('formatBearerChallenge()', () => {
  it('C02 C06 is read back by a strict parser, whatever text is put in', {
    timeout: PATIENCE,
  }, async () => {
    await expectToHold(isReadStrictly(formatBearerChallenge), {
      part: 'challenge-grammar',
      method: 'challenges with hostile text, read back by a strict parser of RFC 9110',
      runs: 5000,
      longRuns: 200_000,
    })
  })

  it('C06 is read back by the clients of MCP SDK 1 and 2', { timeout: PATIENCE }, async () => {
    await expectToHold(isReadBySdks(formatBearerChallenge), {
      part: 'challenge-sdk-parsers',
      method:
        'challenges with hostile text, read back by extractWWWAuthenticateParams of both SDKs',
      runs: 3000,
      longRuns: 100_000,
    })
  })
})

/** The parameters as they should be, apart from what is done to the description. */
function withDescription(challenge: BearerChallenge, change: (text: string) => string) {
  const { errorDescription } = challenge
  return {
    ...expectedParameters(challenge),
    ...(errorDescription !== undefined && { error_description: change(errorDescription) }),
  }
}

const quoted = (parameters: Record<string, string>) =>
  `Bearer ${Object.entries(parameters)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')}`

describe('the properties catch a formatter that', () => {
  it.each<[string, Format]>([
    [
      'C06 leaves quotes in the text',
      (challenge) => quoted(withDescription(challenge, (text) => text)),
    ],
    [
      'writes other quotes in their place',
      (challenge) =>
        quoted(withDescription(challenge, (text) => legal(text.replaceAll('"', "''")))),
    ],
    [
      'C01 says an attribute twice',
      (challenge) => `${formatBearerChallenge(challenge)}, realm="x", realm="x"`,
    ],
  ])('%s', async (_fault, format) => {
    expect(await isCaught(isReadStrictly(format))).toBe(true)
  })

  it.each<[string, Format]>([
    [
      'puts the description first',
      (challenge) => {
        const { error_description, ...rest } = expectedParameters(challenge)
        return quoted({ ...(error_description !== undefined && { error_description }), ...rest })
      },
    ],
    [
      'says resource_metadata_uri alone',
      (challenge) =>
        formatBearerChallenge(challenge).replace('resource_metadata=', 'resource_metadata_uri='),
    ],
    [
      'separates by blanks',
      (challenge) => formatBearerChallenge(challenge).replaceAll('", ', '";'),
    ],
    [
      'offers another scheme',
      (challenge) => formatBearerChallenge(challenge).replace('Bearer', 'Basic'),
    ],
  ])('%s', async (_fault, format) => {
    expect(await isCaught(isReadBySdks(format))).toBe(true)
  })
})
