import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose'
import { type SigningAlgorithm, verifyInput } from './compact-jws.js'

const generate = promisify(generateKeyPair)

/** One key pair of the issuer, or of somebody who pretends to be the issuer. */
export interface SigningKey {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** Public members with `kid`, `alg` and `use`, as they stand in the JWK Set. */
  readonly publicJwk: JWK
}

/** Control over the JWK Set of a test issuer. */
export interface TestIssuerKeys {
  /** The keys of the JWK Set, in the order in which they are served. */
  published(): Promise<readonly JWK[]>
  /** Puts a further key in the set as it stands, well-formed or not. `first` puts it in front. */
  publish(jwk: JWK, options?: { readonly first?: boolean | undefined }): void
  /** Takes every key with this `kid` out of the set. Tokens go on being signed by the current key. */
  withdraw(kid: string): Promise<void>
}

/** The keys of one issuer, generated on first use. */
export interface SigningKeys extends TestIssuerKeys {
  current(): Promise<SigningKey>
  /** A key that was withdrawn before the issuer started, so that no cache can still hold it. */
  retired(): Promise<SigningKey>
  /** A key that never belonged to the issuer. */
  foreign(): Promise<SigningKey>
  rotate(keepOld: boolean): Promise<void>
  verify(kid: unknown, input: string, signature: Uint8Array): Promise<boolean>
}

function generateFor(
  algorithm: SigningAlgorithm,
): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  if (algorithm === 'RS256') return generate('rsa', { modulusLength: 2048 })
  if (algorithm === 'ES256') return generate('ec', { namedCurve: 'P-256' })
  return generate('ed25519', {})
}

async function createSigningKey(algorithm: SigningAlgorithm): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateFor(algorithm)
  const members = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(members)
  return { kid, privateKey, publicKey, publicJwk: { ...members, kid, alg: algorithm, use: 'sig' } }
}

function onFirstUse<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let value: Promise<Value> | undefined
  return () => {
    value ??= make()
    return value
  }
}

export function createSigningKeys(algorithm: SigningAlgorithm): SigningKeys {
  let newest = onFirstUse(() => createSigningKey(algorithm))
  let older: SigningKey[] = []
  let inFront: JWK[] = []
  let behind: JWK[] = []
  const withdrawn = new Set<string>()

  async function own(): Promise<SigningKey[]> {
    return [await newest(), ...older].filter(({ kid }) => !withdrawn.has(kid))
  }

  return {
    current: () => newest(),
    retired: onFirstUse(() => createSigningKey(algorithm)),
    foreign: onFirstUse(() => createSigningKey(algorithm)),
    async published() {
      return [...inFront, ...(await own()).map(({ publicJwk }) => publicJwk), ...behind]
    },
    publish(jwk, { first = false } = {}) {
      if (first) inFront.unshift(jwk)
      else behind.push(jwk)
    },
    async withdraw(kid) {
      withdrawn.add(kid)
      inFront = inFront.filter((jwk) => jwk.kid !== kid)
      behind = behind.filter((jwk) => jwk.kid !== kid)
    },
    async rotate(keepOld) {
      const previous = await newest()
      const next = await createSigningKey(algorithm)
      older = keepOld ? [previous, ...older] : []
      newest = () => Promise.resolve(next)
    },
    async verify(kid, input, signature) {
      const key = (await own()).find((candidate) => candidate.kid === kid)
      return key !== undefined && verifyInput(algorithm, key.publicKey, input, signature)
    },
  }
}
