import { SignJWT } from 'jose'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createOwnClaimsReader, type OwnClaimsReader } from '../../src/engine/own-claims.js'
import { generateSigningKey, publicJwk } from '../../src/engine/signing-keys.js'

const ISSUER = 'https://as.test'
const START = 1_800_000_000
const EC = { name: 'ECDSA', namedCurve: 'P-256' }
const [first, second] = [
  generateSigningKey('ES256', START, START),
  generateSigningKey('ES256', START, START),
]

let now: number
let keys: { jwks: { keys: Readonly<Record<string, unknown>>[] }; change(): void }
let read: OwnClaimsReader
const verify = vi.spyOn(crypto.subtle, 'verify')

beforeEach(() => {
  now = START * 1000
  const listeners: (() => void)[] = []
  const ring = {
    jwks: { keys: [publicJwk(first)] },
    onChange: (listener: () => void) => void listeners.push(listener),
    change: () => listeners.forEach((listener) => void listener()),
  }
  keys = ring
  read = createOwnClaimsReader({ keys: ring, issuer: ISSUER, now: () => now, mostEntries: 2 })
  verify.mockClear()
})
afterAll(() => verify.mockRestore())

async function sign(
  claims: Readonly<Record<string, unknown>> = {},
  { typ = 'at+jwt', key = first }: { typ?: string; key?: typeof first } = {},
): Promise<string> {
  const all = { iss: ISSUER, sub: 'ann', jti: 'a', client_id: 'app', grant_id: 'g', ...claims }
  return new SignJWT({ exp: START + 3600, ...all })
    .setProtectedHeader({ alg: 'ES256', kid: key.kid, typ })
    .sign(await crypto.subtle.importKey('jwk', key.jwk, EC, false, ['sign']))
}

const CLAIMS = {
  jti: 'a',
  expiresAt: START + 3600,
  subject: 'ann',
  clientId: 'app',
  grantId: 'g',
}

describe('createOwnClaimsReader()', () => {
  it('reads a token, and checks the signature of the same one once', async () => {
    const token = await sign()
    expect(await read(token)).toEqual(CLAIMS)
    expect(await read(token)).toEqual(CLAIMS)
    expect(verify).toHaveBeenCalledTimes(1)
    expect(await read(await sign({ jti: 'b' }))).toEqual({ ...CLAIMS, jti: 'b' })
    expect(verify).toHaveBeenCalledTimes(2)
  })

  it.each<[string, () => Promise<string>]>([
    ['of another issuer', () => sign({ iss: `${ISSUER}/` })],
    ['of another type', () => sign({}, { typ: 'JWT' })],
    ['by another key', () => sign({}, { key: { ...second, kid: first.kid } })],
    ['by an unknown key', () => sign({}, { key: second })],
    ['without jti', () => sign({ jti: undefined })],
    ['without sub', () => sign({ sub: undefined })],
    ['that never ends', () => sign({ exp: undefined })],
    ['that has ended', () => sign({ exp: START - 10 })],
  ])('refuses one %s, each time', async (_title, make) => {
    const token = await make()
    expect(await read(token)).toBeUndefined()
    expect(await read(token)).toBeUndefined()
  })

  it('refuses the claims of a remembered token with another signature', async () => {
    const token = await sign()
    const other = await sign()
    expect(await read(token)).toEqual(CLAIMS)
    const [head, body] = token.split('.')
    const [, , signature = ''] = other.split('.')
    // Good as well: the same claims, signed once more.
    expect(await read(`${head}.${body}.${signature}`)).toEqual(CLAIMS)
    const forged = `${signature[0] === 'A' ? 'B' : 'A'}${signature.slice(1)}`
    expect(await read(`${head}.${body}.${forged}`)).toBeUndefined()
  })

  it('refuses a remembered token 10 s after its end, and not a second before', async () => {
    const token = await sign({ exp: START + 60 })
    expect(await read(token)).toBeDefined()
    now = (START + 70) * 1000 - 1
    expect(await read(token)).toBeDefined()
    expect(verify).toHaveBeenCalledTimes(1)
    now += 1
    expect(await read(token)).toBeUndefined()
  })

  it.each([
    ['5 minutes later', 300_000, 2],
    ['a moment before', 299_999, 1],
    ['by a clock that went back', -1, 2],
  ])('checks the signature again %s', async (_title, milliseconds, times) => {
    const token = await sign()
    await read(token)
    now += milliseconds
    expect(await read(token)).toEqual(CLAIMS)
    expect(verify).toHaveBeenCalledTimes(times)
  })

  it('forgets every token at a change of the keys', async () => {
    const [kept, gone] = [await sign({}, { key: second }), await sign()]
    keys.jwks = { keys: [publicJwk(first), publicJwk(second)] }
    keys.change()
    expect(await read(kept)).toBeDefined()
    expect(await read(gone)).toBeDefined()
    keys.jwks = { keys: [publicJwk(second)] }
    keys.change()
    expect(await read(gone)).toBeUndefined()
    expect(await read(kept)).toBeDefined()
  })

  it('does not remember a check that began before a change of the keys', async () => {
    const token = await sign()
    const begun = read(token)
    keys.jwks = { keys: [publicJwk(second)] }
    keys.change()
    await begun
    expect(await read(token)).toBeUndefined()
  })

  it('remembers so many, those that were used last', async () => {
    const tokens = await Promise.all(['a', 'b', 'c'].map((jti) => sign({ jti })))
    const [a = '', b = '', c = ''] = tokens
    for (const token of [a, b, a, c]) await read(token)
    expect(verify).toHaveBeenCalledTimes(3)
    for (const token of [a, c]) await read(token)
    expect(verify).toHaveBeenCalledTimes(3)
    await read(b)
    expect(verify).toHaveBeenCalledTimes(4)
  })
})
