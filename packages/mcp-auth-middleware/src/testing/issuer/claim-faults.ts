import type { TokenFault } from '../token-faults.js'
import { accessTokenHash, signToken } from './access-token.js'
import type { FaultMaker, FaultyBase } from './faulty-base.js'

const HOUR = 3600
const TEN_YEARS = 10 * 365 * 24 * HOUR

/** The origin of the audience, when that is another resource than the audience. */
export function originAudience(audience: string): string | undefined {
  if (!URL.canParse(audience)) return undefined
  const url = new URL(audience)
  return url.pathname === '/' || url.origin === 'null' ? undefined : url.origin
}

function withOriginAudience({ audience, sign }: FaultyBase): string {
  const origin = originAudience(audience)
  if (origin === undefined) throw new TypeError('origin-audience needs an audience with a path')
  return sign({ aud: origin })
}

function withInsufficientScope({ claims, sign }: FaultyBase): string {
  const { scope } = claims
  // Near misses rather than nothing: a check by prefix or substring lets them through.
  const near = typeof scope === 'string' ? scope.split(' ').map((each) => `${each}x`) : ['none']
  return sign({ scope: near.join(' ') })
}

export const claimFaultMakers = {
  'wrong-audience': ({ sign }) => sign({ aud: 'https://other-resource.invalid/mcp' }),
  'sibling-audience': ({ sign, audience }) => sign({ aud: `${audience}2` }),
  'origin-audience': withOriginAudience,
  'audience-in-text': ({ sign, audience }) =>
    sign({ aud: `${audience} https://other-resource.invalid/mcp` }),
  'empty-audience': ({ sign }) => sign({ aud: [] }),
  'no-audience': ({ sign }) => sign({ aud: undefined }),
  'wrong-issuer': ({ sign }) => sign({ iss: 'https://other-issuer.invalid' }),
  'issuer-trailing-slash': ({ sign, claims }) => sign({ iss: `${claims.iss}/` }),
  'issuer-list': ({ sign, claims }) => sign({ iss: [claims.iss, 'https://other-issuer.invalid'] }),
  'no-issuer': ({ sign }) => sign({ iss: undefined }),
  expired: ({ sign, now }) => sign({ iat: now - 2 * HOUR, exp: now - HOUR }),
  'no-expiry': ({ sign }) => sign({ exp: undefined }),
  'string-expiry': ({ sign, claims }) => sign({ exp: String(claims.exp) }),
  'lifetime-too-long': ({ sign, now }) => sign({ exp: now + TEN_YEARS }),
  'not-yet-valid': ({ sign, now }) => sign({ nbf: now + HOUR, exp: now + 2 * HOUR }),
  'issued-in-future': ({ sign, now }) => sign({ iat: now + HOUR, exp: now + 2 * HOUR }),
  'no-subject': ({ sign }) => sign({ sub: undefined }),
  'empty-subject': ({ sign }) => sign({ sub: '' }),
  'id-token': ({ sign, claims, now }) =>
    sign(
      {
        nonce: 'n-0S6_WzA2Mj',
        at_hash: accessTokenHash('another token'),
        auth_time: now,
        azp: claims.client_id,
      },
      { typ: 'JWT' },
    ),
  'other-token-kind': ({ sign }) => sign({}, { typ: 'logout+jwt' }),
  'sender-constrained': ({ sign, key }) => sign({ cnf: { jkt: key.kid } }),
  'payload-not-object': ({ header, claims, key }) => signToken(header, [claims], key),
  'insufficient-scope': withInsufficientScope,
} as const satisfies Partial<Record<TokenFault, FaultMaker>>
