/*
 * Keys and tokens that all programs of one run share. The private key lives in a temporary folder of
 * one run, since making an RSA key costs a different number of instructions every time.
 */
import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const RESOURCE = 'https://mcp.example.com/mcp'
export const METADATA_URL = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'
export const ISSUER = 'https://login.example.com'
export const KID = 'bench-2026'

/** Issuers for the rows with many validators; the last one signs the token that is sent. */
export const MANY_ISSUERS = Array.from(
  { length: 100 },
  (_, index) => `https://login-${String(index).padStart(3, '0')}.example.com`,
)

function segment(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function claims(overrides) {
  const now = Math.floor(Date.now() / 1000)
  return {
    iss: ISSUER,
    sub: 'auth0|65f0c2d1a7b3e94f1c8d7e60',
    aud: RESOURCE,
    exp: now + 6 * 3600,
    nbf: now - 60,
    iat: now - 60,
    jti: randomUUID(),
    client_id: 'https://claude.ai/oauth/mcp-oauth-client-metadata',
    scope: 'coda.read coda.write openid profile email offline_access',
    email: 'ann.example@engineering.example.com',
    email_verified: true,
    name: 'Ann Example of the Engineering Department',
    ...overrides,
  }
}

/** Creates the fixture of one run and returns its folder. */
export function createFixture() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: KID, alg: 'RS256', use: 'sig' }

  const token = (overrides = {}, header = {}) => {
    const input = `${segment({ alg: 'RS256', typ: 'at+jwt', kid: KID, ...header })}.${segment(claims(overrides))}`
    return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`
  }
  const valid = token()
  const [header, payload, signature] = valid.split('.')
  const fixture = {
    jwks: { keys: [jwk] },
    publicKeyPem: publicKey.export({ format: 'pem', type: 'spki' }),
    tokens: {
      valid,
      expired: token({ exp: Math.floor(Date.now() / 1000) - 3600 }),
      wrongIssuer: token({ iss: 'https://login.example.net' }),
      unknownKid: token({}, { kid: 'not-published' }),
      badSignature: `${header}.${payload}.${[...signature].reverse().join('')}`,
      garbage: createHash('sha512')
        .update(valid)
        .digest('base64url')
        .repeat(9)
        .slice(0, valid.length),
      longGarbage: 'x'.repeat(8192),
      algNone: `${segment({ alg: 'none', typ: 'at+jwt', kid: KID })}.${payload}.`,
      lastOfMany: token({ iss: MANY_ISSUERS.at(-1) }),
    },
  }
  const folder = mkdtempSync(join(tmpdir(), 'mcp-auth-bench-'))
  const path = join(folder, 'fixture.json')
  writeFileSync(path, JSON.stringify(fixture), { mode: 0o600 })
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** Reads the fixture that another process of the same run made. */
export function readFixture(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

/** A token with a key id that nobody published. Its signature is never reached. */
export function withRandomKid(token) {
  const [, payload, signature] = token.split('.')
  return `${segment({ alg: 'RS256', typ: 'at+jwt', kid: randomUUID() })}.${payload}.${signature}`
}
