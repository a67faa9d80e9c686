import { randomUUID } from 'node:crypto'
import { exportJWK, exportSPKI } from 'jose'
import type { TokenFault } from '../token-faults.js'
import { encodeSegment, formatHmacToken } from './compact-jws.js'
import type { FaultMaker, FaultyBase } from './faulty-base.js'
import { randomToken } from './grants.js'
import { ENDPOINT_PATHS } from './metadata-endpoint.js'

/** Another algorithm that the same key can sign with. */
const OTHER_ALGORITHM = { RS256: 'RS512', ES256: 'ES384', EdDSA: 'Ed448' } as const

function withSignature(token: string, change: (signature: Buffer) => Buffer): string {
  const dot = token.lastIndexOf('.')
  const signature = Buffer.from(token.slice(dot + 1), 'base64url')
  return `${token.slice(0, dot)}.${change(signature).toString('base64url')}`
}

function flipBit(signature: Buffer): Buffer {
  const middle = signature.length >> 1
  signature.writeUInt8(signature.readUInt8(middle) ^ 1, middle)
  return signature
}

function withPayload(token: string, payload: unknown): string {
  const [header, , signature] = token.split('.')
  return `${header}.${encodeSegment(payload)}.${signature}`
}

async function signedByStranger(
  { context, sign }: FaultyBase,
  header: Readonly<Record<string, unknown>>,
): Promise<string> {
  return sign({}, header, await context.keys.foreign())
}

export const signatureFaultMakers = {
  'alg-none': ({ header, claims }) =>
    `${encodeSegment({ ...header, alg: 'none' })}.${encodeSegment(claims)}.`,
  'hmac-with-public-key': async ({ header, claims, key }) =>
    formatHmacToken(header, claims, await exportSPKI(key.publicKey)),
  'hmac-empty-key': ({ header, claims }) => formatHmacToken(header, claims, ''),
  'embedded-jwk': async (base) => {
    const { publicKey, kid } = await base.context.keys.foreign()
    return signedByStranger(base, { jwk: await exportJWK(publicKey), kid })
  },
  'remote-jku': async (base) => {
    const { kid } = await base.context.keys.foreign()
    return signedByStranger(base, {
      jku: base.context.issuer() + ENDPOINT_PATHS['foreign-jwks'],
      kid,
    })
  },
  'foreign-key-same-kid': (base) => signedByStranger(base, {}),
  'unknown-kid': (base) => signedByStranger(base, { kid: randomUUID() }),
  'hostile-kid': (base) => signedByStranger(base, { kid: '../../../../dev/null' }),
  'rotated-key': async ({ context, sign }) => {
    const retired = await context.keys.retired()
    return sign({}, { kid: retired.kid }, retired)
  },
  'disallowed-algorithm': ({ context, sign }) =>
    sign({}, { alg: OTHER_ALGORITHM[context.settings.algorithm] }),
  'critical-header': ({ sign }) =>
    sign({}, { crit: ['urn:example:unknown'], 'urn:example:unknown': true }),
  // The signature is right under both readings. A server that does not know `b64` must stop at
  // `crit`; one that does must not decode the segment (RFC 7797 section 3).
  'unencoded-payload': ({ sign }) => sign({}, { b64: false, crit: ['b64'] }),
  'bit-flipped-signature': ({ sign }) => withSignature(sign(), flipBit),
  'zero-signature': ({ sign }) => withSignature(sign(), (bytes) => Buffer.alloc(bytes.length)),
  'empty-signature': ({ sign }) => withSignature(sign(), () => Buffer.alloc(0)),
  'tampered-payload': ({ sign, claims }) =>
    withPayload(sign(), { ...claims, sub: 'somebody-else' }),
  truncated: ({ sign }) => sign().slice(0, -12),
  padded: ({ sign }) => `${sign()}=`,
  'five-parts': () => Array.from({ length: 5 }, randomToken).join('.'),
  'unknown-opaque': () => randomToken(),
} as const satisfies Partial<Record<TokenFault, FaultMaker>>
