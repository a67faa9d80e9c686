import { verify } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader, importJWK } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js'
import { TOKEN_FAULTS, type TokenFault } from '../../src/testing/token-faults.js'
import { createReferenceVerifier } from './stub-server.js'

const AUDIENCE = 'https://mcp.test/mcp'
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const

const issuers = new Map<string, TestIssuer>()
beforeAll(async () => {
  for (const algorithm of ALGORITHMS) {
    const issuer = createTestIssuer({ algorithm, audience: AUDIENCE, scopes: ['docs.read'] })
    await issuer.listen()
    issuers.set(algorithm, issuer)
  }
})
afterAll(() => Promise.all([...issuers.values()].map((issuer) => issuer.close())))

function issuerFor(algorithm: string): TestIssuer {
  const issuer = issuers.get(algorithm)
  if (issuer === undefined) throw new Error(`no issuer for ${algorithm}`)
  return issuer
}

type Members = Record<string, unknown>

/** Leaves out what differs between two right tokens. */
function stable(members: object): Members {
  return { ...members, jti: undefined, iat: undefined, exp: undefined }
}

const now = () => Math.floor(Date.now() / 1000)

/** Claims that differ from a right token's, or a check of them. Everything else must be equal. */
const CLAIM_CHANGES: Partial<Record<TokenFault, Members>> = {
  'wrong-audience': { aud: 'https://other-resource.invalid/mcp' },
  'sibling-audience': { aud: 'https://mcp.test/mcp2' },
  'origin-audience': { aud: 'https://mcp.test' },
  'audience-in-text': { aud: `${AUDIENCE} https://other-resource.invalid/mcp` },
  'empty-audience': { aud: [] },
  'no-audience': { aud: undefined },
  'wrong-issuer': { iss: 'https://other-issuer.invalid' },
  'no-issuer': { iss: undefined },
  'no-subject': { sub: undefined },
  'empty-subject': { sub: '' },
  'insufficient-scope': { scope: 'docs.readx' },
}

describe.each(ALGORITHMS)('tokens of an %s issuer', (algorithm) => {
  it('are accepted by a strict verifier', async () => {
    const issuer = issuerFor(algorithm)
    const check = createReferenceVerifier(issuer, { audience: AUDIENCE, algorithm })
    expect(await check(await issuer.token({ sub: 'ann' }))).toMatchObject({ sub: 'ann' })
  })

  it.each(
    TOKEN_FAULTS.filter(({ outcome }) => outcome === 'invalid_token').map(({ name }) => name),
  )('are refused with the fault %s', async (fault) => {
    const issuer = issuerFor(algorithm)
    const check = createReferenceVerifier(issuer, { audience: AUDIENCE, algorithm })
    await expect(check(await issuer.faulty(fault))).rejects.toThrow()
    expect(issuer.requests('foreign-jwks')).toBe(0)
  })

  it('have valid scopes only in part with the fault insufficient-scope', async () => {
    const issuer = issuerFor(algorithm)
    const check = createReferenceVerifier(issuer, { audience: AUDIENCE, algorithm })
    expect(await check(await issuer.faulty('insufficient-scope'))).toMatchObject({
      scope: 'docs.readx',
    })
  })
})

describe('faulty()', () => {
  const issuer = () => issuerFor('RS256')

  async function signatureIsValid(token: string): Promise<boolean> {
    const [header = '', payload = '', signature = ''] = token.split('.')
    const [jwk] = await issuer().keys.published()
    const key = await importJWK(jwk ?? {}, 'RS256')
    if (key instanceof Uint8Array) throw new Error('not a public key')
    const { KeyObject } = await import('node:crypto')
    const input = Buffer.from(`${header}.${payload}`)
    return verify('sha256', input, KeyObject.from(key), Buffer.from(signature, 'base64url'))
  }

  it.each(Object.entries(CLAIM_CHANGES))('%s changes nothing but %j', async (name, changes) => {
    const token = await issuer().faulty(name as TokenFault)
    const right = decodeJwt(await issuer().token())
    expect(stable(decodeJwt(token))).toEqual({ ...stable(right), ...changes })
    expect(decodeProtectedHeader(token)).toEqual(decodeProtectedHeader(await issuer().token()))
    expect(await signatureIsValid(token)).toBe(true)
  })

  it.each<[TokenFault, (claims: Members) => boolean]>([
    ['issuer-trailing-slash', ({ iss }) => iss === `${issuer().issuer}/`],
    ['issuer-list', ({ iss }) => Array.isArray(iss) && iss.includes(issuer().issuer)],
    ['expired', ({ exp }) => Number(exp) < now() - 3000],
    ['no-expiry', ({ exp }) => exp === undefined],
    ['string-expiry', ({ exp }) => typeof exp === 'string' && Number(exp) > now()],
    ['lifetime-too-long', ({ exp }) => Number(exp) > now() + 9 * 365 * 86_400],
    ['not-yet-valid', ({ nbf, exp }) => Number(nbf) > now() + 3000 && Number(exp) > Number(nbf)],
    ['issued-in-future', ({ iat, exp }) => Number(iat) > now() + 3000 && Number(exp) > Number(iat)],
    ['sender-constrained', ({ cnf }) => typeof Reflect.get(Object(cnf), 'jkt') === 'string'],
    ['id-token', ({ nonce, at_hash }) => nonce !== undefined && at_hash !== undefined],
  ])('%s is what it says and signed by the right key', async (name, isTrue) => {
    const token = await issuer().faulty(name)
    expect(isTrue(decodeJwt(token))).toBe(true)
    expect(isTrue(decodeJwt(await issuer().token()))).toBe(false)
    expect(await signatureIsValid(token)).toBe(true)
  })

  it.each<[TokenFault, (header: Members) => boolean]>([
    ['alg-none', ({ alg }) => alg === 'none'],
    ['hmac-with-public-key', ({ alg }) => alg === 'HS256'],
    ['hmac-empty-key', ({ alg }) => alg === 'HS256'],
    ['embedded-jwk', ({ jwk }) => jwk !== undefined],
    ['remote-jku', ({ jku }) => String(jku).startsWith(issuer().url)],
    ['disallowed-algorithm', ({ alg }) => alg === 'RS512'],
    ['critical-header', ({ crit }) => Array.isArray(crit)],
    ['unencoded-payload', ({ b64, crit }) => b64 === false && Array.isArray(crit)],
    ['id-token', ({ typ }) => typ === 'JWT'],
    ['other-token-kind', ({ typ }) => typ === 'logout+jwt'],
    ['hostile-kid', ({ kid }) => String(kid).includes('/')],
  ])('%s has the header that it says and right claims', async (name, isTrue) => {
    const token = await issuer().faulty(name)
    const right = await issuer().token()
    expect(isTrue(decodeProtectedHeader(token))).toBe(true)
    expect(isTrue(decodeProtectedHeader(right))).toBe(false)
    expect(stable(decodeJwt(token))).toMatchObject(
      JSON.parse(JSON.stringify(stable(decodeJwt(right)))),
    )
  })

  it.each<[TokenFault, boolean]>([
    ['foreign-key-same-kid', true],
    ['bit-flipped-signature', true],
    ['zero-signature', true],
    ['tampered-payload', true],
    ['truncated', true],
    ['unknown-kid', false],
    ['rotated-key', false],
  ])('%s is not signed by the right key; key id kept: %s', async (name, keepsKid) => {
    const token = await issuer().faulty(name)
    const [jwk] = await issuer().keys.published()
    expect(decodeProtectedHeader(token).kid === jwk?.kid).toBe(keepsKid)
    expect(await signatureIsValid(token)).toBe(false)
  })

  it('padded is a right token and one character', async () => {
    const token = await issuer().faulty('padded')
    expect(await signatureIsValid(token.slice(0, -1))).toBe(true)
    expect(token.endsWith('=')).toBe(true)
  })

  it('payload-not-object is a signed list', async () => {
    const token = await issuer().faulty('payload-not-object')
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
    expect(Array.isArray(JSON.parse(payload))).toBe(true)
    expect(await signatureIsValid(token)).toBe(true)
  })

  it.each<[TokenFault, number]>([
    ['empty-signature', 3],
    ['five-parts', 5],
    ['unknown-opaque', 1],
  ])('%s has %i parts', async (name, parts) => {
    expect((await issuer().faulty(name)).split('.')).toHaveLength(parts)
  })

  it('sets other claims before it makes the fault', async () => {
    const token = await issuer().faulty('sibling-audience', { aud: 'https://a.test/x', sub: 'bob' })
    expect(decodeJwt(token)).toMatchObject({ aud: 'https://a.test/x2', sub: 'bob' })
  })

  it('says so when a fault cannot be made', async () => {
    await expect(issuer().faulty('origin-audience', { aud: 'https://a.test' })).rejects.toThrow(
      /path/,
    )
    await expect(issuer().faulty('expired', { aud: undefined })).rejects.toThrow(/audience/)
  })

  it('describes every fault, once', () => {
    const names = TOKEN_FAULTS.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(Object.keys(issuer().faults).sort()).toEqual([...names].sort())
    for (const { description } of TOKEN_FAULTS) expect(description).toMatch(/^[A-Z].*\.$/)
  })
})

describe('keys of the test issuer', () => {
  async function withIssuer(run: (issuer: TestIssuer) => Promise<void>): Promise<void> {
    const issuer = createTestIssuer({ algorithm: 'ES256', audience: AUDIENCE })
    await issuer.listen()
    await run(issuer).finally(() => issuer.close())
  }
  const verifierOf = (issuer: TestIssuer) =>
    createReferenceVerifier(issuer, { audience: AUDIENCE, algorithm: 'ES256' })

  it('withdraws the old key when it rotates, unless told to keep it', () =>
    withIssuer(async (issuer) => {
      const first = await issuer.token()
      await issuer.rotateKeys({ keepOld: true })
      const second = await issuer.token()
      expect(await issuer.keys.published()).toHaveLength(2)
      await verifierOf(issuer)(first)
      await verifierOf(issuer)(second)

      await issuer.rotateKeys()
      expect(await issuer.keys.published()).toHaveLength(1)
      await expect(verifierOf(issuer)(first)).rejects.toThrow()
      await expect(verifierOf(issuer)(second)).rejects.toThrow()
      await verifierOf(issuer)(await issuer.token())
    }))

  it('publishes further keys in front or behind, and withdraws them by key id', () =>
    withIssuer(async (issuer) => {
      issuer.keys.publish({ kty: 'oct', k: 'AAAA', kid: 'a' }, { first: true })
      issuer.keys.publish({ kty: 'oct', k: 'AAAA', kid: 'z' })
      const response = await fetch(issuer.jwksUri)
      const { keys } = (await response.json()) as { keys: { kid: string }[] }
      expect(keys.map(({ kid }) => kid)).toEqual(['a', expect.any(String), 'z'])
      await issuer.keys.withdraw('a')
      await issuer.keys.withdraw(keys[1]?.kid ?? '')
      expect(await issuer.keys.published()).toEqual([{ kty: 'oct', k: 'AAAA', kid: 'z' }])
    }))

  it('takes header members of the caller', () =>
    withIssuer(async (issuer) => {
      const token = await issuer.token({}, { header: { typ: 'application/at+jwt' } })
      expect(decodeProtectedHeader(token).typ).toBe('application/at+jwt')
    }))
})
