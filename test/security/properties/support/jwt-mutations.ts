import { createHmac, createPublicKey } from 'node:crypto'
import { START } from '../../../../packages/mcp-auth-middleware/test/jwt/fakes.js'
import {
  base64url,
  createSigningKey,
  type SigningKey,
  signBytes,
} from '../../../../packages/mcp-auth-middleware/test/jwt/sign.js'
import type { Draw } from './text-mutations.js'
import { signParts, type TokenParts } from './ways-in.js'

/** Makes a token that its issuer did not issue. It may happen to make the same one. */
export type JwtMutation = (token: string, draw: Draw, parts: TokenParts) => string

type Members = Readonly<Record<string, unknown>>

const NOW = START / 1000
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Keys of an attacker under the key id of the issuer. */
const strangers = new Map<string, SigningKey>()
function strangerFor(alg: string): SigningKey {
  const kind = alg.startsWith('RS') || alg.startsWith('PS') ? 'RS256' : alg
  const known = strangers.get(kind)
  if (known !== undefined) return known
  const key = createSigningKey(kind, 'k1')
  strangers.set(kind, key)
  return key
}

function segmentsOf(token: string): [header: string, payload: string, signature: string] {
  const [header = '', payload = '', signature = ''] = token.split('.')
  return [header, payload, signature]
}

/** Signs with the key of the attacker. */
function forge({ signedBy, header, claims }: TokenParts): string {
  const input = `${base64url(header)}.${base64url(claims)}`
  const stranger = strangerFor(signedBy)
  return `${input}.${signBytes(input, stranger.privateKey, signedBy).toString('base64url')}`
}

const edited = (parts: TokenParts, header: Members, claims: Members): TokenParts => ({
  ...parts,
  header: { ...parts.header, ...header },
  claims: { ...parts.claims, ...claims },
})

const headerEdit = (draw: Draw, { key }: TokenParts): Members =>
  draw.pick<Members>([
    { alg: 'none' },
    { alg: 'None' },
    { alg: 'HS256' },
    { alg: 'RS512' },
    { alg: 'PS256' },
    { alg: ['RS256'] },
    { alg: undefined },
    { kid: undefined },
    { kid: `k${draw.below(1000)}` },
    { kid: '../../dev/null' },
    { kid: "k1' OR '1'='1" },
    { kid: '__proto__' },
    { kid: 1 },
    { typ: 'dpop+jwt' },
    { typ: 'logout+jwt' },
    { jku: 'https://evil.test/jwks' },
    { x5u: 'https://evil.test/cert' },
    { jwk: strangerFor(key.alg).jwk },
    { x5c: ['MIIB'] },
    { crit: ['exp'], exp: 1 },
    { crit: [] },
    { b64: false },
    { zip: 'DEF' },
    { enc: 'A128GCM' },
  ])

const claimEdit = (draw: Draw): Members =>
  draw.pick<Members>([
    { sub: 'admin' },
    { sub: `u${draw.below(1000)}` },
    { email: 'admin@example.com', email_verified: true },
    { scope: 'admin read write' },
    { exp: NOW + 86_400 },
    { exp: NOW + draw.below(100_000) },
    { aud: ['https://mcp.test/mcp', 'https://evil.test'] },
    { client_id: 'c2' },
    { jti: `j${draw.below(1000)}` },
    { role: 'admin' },
  ])

/** What the issuer itself would have to be wrong about: nothing but the signature is good. */
const badClaims = (draw: Draw, { claims }: TokenParts): Members =>
  draw.pick<Members>([
    { exp: NOW - 10 - draw.below(100_000) },
    { exp: undefined },
    { exp: null },
    { exp: String(NOW + 60) },
    { exp: true },
    { exp: -1 },
    { exp: NOW + 40 * 86_400 },
    { nbf: NOW + 11 + draw.below(100_000) },
    { nbf: '0' },
    { iat: NOW + 11 + draw.below(1000) },
    { iat: NOW + 5, exp: NOW + 4 },
    { iss: `${String(claims.iss)}x` },
    { iss: String(claims.iss).toUpperCase() },
    { iss: [claims.iss] },
    { iss: undefined },
    { sub: 42 },
    { sub: 'a\u0000b' },
    { sub: '\u202eann' },
    { jti: 42 },
    { cnf: { jkt: 'x' } },
    ...(claims.aud === undefined
      ? [{ client_id: 'c2' }, { client_id: undefined }]
      : [{ aud: undefined }, { aud: [] }, { aud: `${String(claims.aud)}/` }, { aud: { a: 1 } }]),
  ])

const badHeader = (draw: Draw): Members =>
  draw.pick<Members>([
    { crit: ['foo'], foo: 1 },
    { crit: 'foo' },
    { crit: ['b64'], b64: true },
    { b64: false },
    { kid: 'unknown' },
    { kid: '' },
    { kid: 7 },
    { typ: 'dpop+jwt' },
    { typ: ['JWT'] },
    { alg: 'none' },
    { alg: 'HS256' },
  ])

/** Everything of a public key that a careless verifier might take for the secret of an HMAC. */
function hmacSecret(draw: Draw, { key }: TokenParts): Buffer | string {
  const publicKey = createPublicKey(key.privateKey)
  return draw.pick<Buffer | string>([
    '',
    String(publicKey.export({ type: 'spki', format: 'pem' })),
    publicKey.export({ type: 'spki', format: 'der' }),
    JSON.stringify(key.jwk),
    Buffer.from(String(key.jwk.n ?? key.jwk.x), 'base64url'),
    'k1',
    'secret',
  ])
}

function badSignature(draw: Draw, signature: Buffer): Buffer {
  const half = signature.length / 2
  return draw.pick<() => Buffer>([
    () => Buffer.alloc(signature.length),
    () => Buffer.alloc(signature.length, 0xff),
    () => Buffer.alloc(signature.length, 1),
    () => signature.subarray(0, -1),
    () => signature.subarray(1),
    () => Buffer.concat([signature, Buffer.alloc(1)]),
    () => Buffer.concat([Buffer.alloc(1), signature]),
    () => Buffer.concat([signature.subarray(half), signature.subarray(0, half)]),
    () => Buffer.concat([signature.subarray(0, half), Buffer.alloc(half)]),
    () => Buffer.concat([signature, signature]),
    () => Buffer.concat([Buffer.of(0x30, signature.length), signature]),
    () => Buffer.from(signature).reverse(),
  ])()
}

function respelt(draw: Draw, segment: string): string {
  const spare = ALPHABET.indexOf(segment.slice(-1))
  const at = draw.below(segment.length)
  return draw.pick<() => string>([
    () => `${segment}=`,
    () => `${segment}==`,
    () => segment.slice(0, -1) + ALPHABET.charAt(spare ^ (1 + draw.below(15))),
    () => segment.replaceAll('-', '+').replaceAll('_', '/'),
    () => `${segment.slice(0, at)}\n${segment.slice(at)}`,
    () => `${segment.slice(0, at)} ${segment.slice(at)}`,
    () => `${segment.slice(0, at)}.${segment.slice(at)}`,
    () => `${segment.slice(0, at)}%${segment.slice(at)}`,
    () => `${segment}A`,
    () => encodeURIComponent(`${segment}=`),
    () => `${segment.slice(0, at)}\u00e9${segment.slice(at)}`,
  ])()
}

const atSegment = (token: string, at: number, change: (segment: string) => string) =>
  segmentsOf(token)
    .map((segment, index) => (index === at ? change(segment) : segment))
    .join('.')

/** Changes that know what a JWT is; most of them are what attackers have tried. */
export const JWT_MUTATIONS: Readonly<Record<string, JwtMutation>> = {
  'one bit of a decoded segment': (token, draw) =>
    atSegment(token, draw.below(3), (segment) => {
      const bytes = Buffer.from(segment, 'base64url')
      const bit = draw.below(bytes.length * 8)
      bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      return bytes.toString('base64url')
    }),
  'another spelling of base64url': (token, draw) =>
    atSegment(token, draw.below(3), (segment) => respelt(draw, segment)),
  'header edited under the old signature': (token, draw, parts) =>
    atSegment(token, 0, () => base64url({ ...parts.header, ...headerEdit(draw, parts) })),
  'claims edited under the old signature': (token, draw, parts) =>
    atSegment(token, 1, () => base64url({ ...parts.claims, ...claimEdit(draw) })),
  'signed with another key': (_token, draw, parts) =>
    forge(edited(parts, draw.below(2) === 0 ? {} : headerEdit(draw, parts), claimEdit(draw))),
  'signed with a key that the header brings along': (_token, draw, parts) => {
    const { jwk } = strangerFor(parts.signedBy)
    const kid = draw.pick<unknown>(['k1', 'mine', undefined])
    const place = draw.pick<Members>([{ jwk }, { jku: 'https://evil.test/k' }, { jwk, kid }])
    return forge(edited(parts, place, claimEdit(draw)))
  },
  'HMAC keyed with what is public': (_token, draw, parts) => {
    const alg = draw.pick(['HS256', 'HS384', 'HS512'])
    const header = { ...parts.header, alg: draw.below(4) === 0 ? parts.header.alg : alg }
    const input = `${base64url(header)}.${base64url({ ...parts.claims, ...claimEdit(draw) })}`
    const hash = `sha${alg.slice(2)}`
    return `${input}.${createHmac(hash, hmacSecret(draw, parts)).update(input).digest('base64url')}`
  },
  'no signature': (token, draw, parts) => {
    const alg = draw.pick(['none', 'None', 'NONE', 'nOnE', '', parts.header.alg])
    const [, , signature] = segmentsOf(token)
    const end = draw.pick(['', '.', `.${signature}`, '.AA', '..'])
    return `${base64url({ ...parts.header, alg })}.${base64url({ ...parts.claims, ...claimEdit(draw) })}${end}`
  },
  'a signature of another shape': (token, draw) =>
    atSegment(token, 2, (segment) =>
      badSignature(draw, Buffer.from(segment, 'base64url')).toString('base64url'),
    ),
  'members said twice, and other JSON': (token, draw, parts) =>
    atSegment(token, draw.below(2), (segment) => {
      const json = Buffer.from(segment, 'base64url').toString()
      const text = draw.pick([
        json.replace('{', '{"alg":"none",'),
        json.replace(/}$/, ',"alg":"none","sub":"admin"}'),
        ` ${json}`,
        `${json}\n`,
        `\ufeff${json}`,
        `[${json}]`,
        JSON.stringify(json),
        json.replace('{', '{"__proto__":{"admin":true},'),
        'null',
        '{}',
        json.slice(0, -1),
        JSON.stringify({ ...parts.claims, a: '['.repeat(1000) }),
        '['.repeat(3000),
      ])
      return base64url(text)
    }),
  'five parts': (token, draw) => {
    const [header, payload, signature] = segmentsOf(token)
    const alg = draw.pick(['dir', 'RSA-OAEP', 'PBES2-HS256+A128KW', 'ECDH-ES'])
    const jwe = base64url({ alg, enc: 'A128GCM', p2c: 2_147_483_647, zip: 'DEF', kid: 'k1' })
    return [draw.pick([jwe, header]), payload, signature, payload, signature].join('.')
  },
  'bad claims, signed by the issuer': (_token, draw, parts) =>
    signParts(edited(parts, {}, badClaims(draw, parts))),
  'bad header, signed by the issuer': (_token, draw, parts) =>
    signParts(edited(parts, badHeader(draw), {})),
}
