import { describe, expect, it } from 'vitest'
import { JWS_ALGORITHMS, type JwsAlgorithm } from '../../src/jwt/algorithms.js'
import { checkJwk } from '../../src/jwt/jwk.js'

const all: ReadonlySet<JwsAlgorithm> = new Set(JWS_ALGORITHMS)
const PRIMES = [3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n, 43n, 47n, 53n, 59n, 61n]
  .concat([67n, 71n, 73n, 79n, 83n, 89n, 97n, 101n, 103n, 107n, 109n, 113n, 127n, 131n, 137n])
  .concat([139n, 149n, 151n, 157n, 163n, 167n])
const PRODUCT = PRIMES.reduce((product, prime) => product * prime, 1n)

function judge(modulus: bigint) {
  const n = Buffer.from(modulus.toString(16).padStart(520, '0'), 'hex').toString('base64url')
  const checked = checkJwk({ kty: 'RSA', n, e: 'AQAB', alg: 'RS256', kid: 'r1' }, all)
  return 'unusable' in checked ? checked : checked.algorithms
}

describe('checkJwk()', () => {
  it('J53 names the faulty generator of a modulus, and takes its neighbour', () => {
    const faulty = PRODUCT * (1n << 1850n) + (65537n ** 12n % PRODUCT)
    expect(judge(faulty)).toEqual({ unusable: 'roca', kid: 'r1' })
    expect(judge(faulty + 2n)).toEqual(['RS256'])
  })
})
