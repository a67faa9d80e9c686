import { existsSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { recordFigure } from '../../../../test/security/support/figures.js'
import { isJwsAlgorithm, JWS_ALGORITHMS } from '../../src/jwt/algorithms.js'
import { parseCompactJws } from '../../src/jwt/compact-jws.js'
import { createKeyLoader } from '../../src/jwt/key-loader.js'
import { createKeySet } from '../../src/jwt/key-set.js'
import { verifySignature } from '../../src/jwt/verify-signature.js'

type Jwk = Readonly<Record<string, unknown>>

interface Vector {
  readonly file: string
  readonly tcId: number
  readonly isValid: boolean
  readonly keys: readonly Jwk[]
  readonly token: unknown
}

interface VectorFile {
  readonly testGroups: readonly {
    readonly public?: Jwk & { readonly keys?: readonly Jwk[] }
    readonly private: Jwk & { readonly keys?: readonly Jwk[] }
    readonly tests: readonly {
      readonly tcId: number
      readonly result: 'valid' | 'invalid'
      readonly jws?: unknown
      readonly jwe?: unknown
    }[]
  }[]
}

const FOLDER = new URL('../../../../../shared/wycheproof/', import.meta.url)
const isPresent = existsSync(FOLDER)
if (!isPresent) console.warn('skipped: the Wycheproof vectors are not on this machine')

function readVectors(file: string, member: 'jws' | 'jwe'): Vector[] {
  const { testGroups } = JSON.parse(
    readFileSync(new URL(`json_web_${file}_test.json`, FOLDER), 'utf8'),
  ) as VectorFile
  return testGroups.flatMap((group) => {
    const key = group.public ?? group.private
    return group.tests
      .filter((test) => test[member] !== undefined)
      .map(({ tcId, result, [member]: token }) => ({
        file,
        tcId,
        isValid: result === 'valid',
        keys: key.keys ?? [key],
        token,
      }))
  })
}

/** The way of a signature through the product: parse, import, choose candidates, verify. */
async function accepts({ keys, token }: Vector): Promise<boolean> {
  const text = typeof token === 'string' ? token : JSON.stringify(token)
  const jws = parseCompactJws(text)
  if (typeof jws === 'string') return false
  const { alg, kid, crit, b64 } = jws.header
  if (!isJwsAlgorithm(alg) || crit !== undefined || b64 !== undefined) return false
  const keySet = createKeySet({
    load: createKeyLoader({ jwks: { keys } }, new Set(JWS_ALGORITHMS), fetch),
    now: Date.now,
    sharesPromises: true,
    report: () => undefined,
  })
  const lookup = await keySet.lookup(alg, typeof kid === 'string' ? kid : undefined)
  return lookup.kind === 'keys' && verifySignature(text, alg, lookup.candidates)
}

const name = ({ file, tcId }: Vector): string => `${file} ${tcId}`
const isSymmetric = ({ keys }: Vector): boolean => keys.every(({ kty }) => kty === 'oct')

// Labels that a strict RFC 7515 verifier contradicts, as the README beside the vectors explains. Two
// more of them (372, 373) and the "invalid" twins 367 and 370 of 357 are HS256 tokens.
const CONTRADICTED = ['signature 346', 'signature 347', 'signature 350', 'signature 351']

describe.skipIf(!isPresent)('J52 Wycheproof', () => {
  let vectors: Vector[] = []
  let accepted: ReadonlySet<string> = new Set()

  beforeAll(async () => {
    vectors = ['signature', 'crypto', 'key'].flatMap((file) => readVectors(file, 'jws'))
    const names = new Set<string>()
    for (const vector of vectors) if (await accepts(vector)) names.add(name(vector))
    accepted = names
  })

  it('has 476 signature vectors: 401 in its own file, 49 among crypto, 26 among keys', () => {
    const count = (file: string): number => vectors.filter((each) => each.file === file).length
    expect([count('signature'), count('crypto'), count('key')]).toEqual([401, 49, 26])
    expect(vectors).toHaveLength(476)
  })

  it('accepts none that is labelled invalid, the two ROCA keys included', () => {
    const invalid = vectors.filter(({ isValid }) => !isValid).map(name)
    expect(invalid).toHaveLength(421)
    expect(invalid).toContain('crypto 46')
    expect(invalid).toContain('key 7')
    const falselyAccepted = invalid.filter((each) => accepted.has(each))
    recordFigure({
      id: 'R3',
      part: 'signatures',
      values: {
        'vectors labelled invalid': invalid.length,
        'false accepts': falselyAccepted.length,
      },
      isMet: falselyAccepted.length === 0,
      method: 'The Wycheproof JWS vectors, by the way of a token through the verifier.',
    })
    expect(falselyAccepted).toEqual([])
  })

  it('rejects none that is labelled valid, but for the four listed and HMAC, which does not exist here', () => {
    const refused = vectors.filter((vector) => vector.isValid && !accepted.has(name(vector)))
    expect(refused.filter((vector) => !isSymmetric(vector)).map(name)).toEqual(CONTRADICTED)
    // 55 are labelled valid; what is not refused was accepted.
    expect(refused.filter(isSymmetric)).toHaveLength(16)
    expect(accepted.size).toBe(55 - 16 - CONTRADICTED.length)
  })

  it('parses HMAC tokens as strictly as their labels ask, with the two exceptions listed', () => {
    const disagreeing = vectors.filter((vector) => {
      if (!isSymmetric(vector) || !vector.isValid || typeof vector.token !== 'string') return false
      return typeof parseCompactJws(vector.token) === 'string'
    })
    expect(disagreeing.map(name)).toEqual(['signature 372', 'signature 373'])
  })

  it('rejects all 173 encrypted tokens', async () => {
    const encrypted = ['encryption', 'crypto'].flatMap((file) => readVectors(file, 'jwe'))
    expect(encrypted).toHaveLength(173)
    for (const vector of encrypted) {
      expect([name(vector), await accepts(vector)]).toEqual([name(vector), false])
    }
    recordFigure({
      id: 'R3',
      part: 'encrypted',
      values: { 'encrypted tokens': encrypted.length, 'encrypted tokens accepted': 0 },
      isMet: true,
      method: 'The Wycheproof JWE vectors, by the way of a token through the verifier.',
    })
  })
})
