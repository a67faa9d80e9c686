import { createHash, randomUUID } from 'node:crypto'
import {
  calculateJwkThumbprint,
  exportJWK,
  type GenerateKeyPairResult,
  generateKeyPair,
  type JWK,
  SignJWT,
} from 'jose'

/** What a proof says beside its method and URL. */
export interface ProofChange {
  /** Members that replace the right ones; `undefined` leaves one out. */
  readonly payload?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  /** The proof is about this access token. */
  readonly accessToken?: unknown
  readonly signer?: GenerateKeyPairResult['privateKey'] | Uint8Array
  /** Epoch milliseconds. Default: now. */
  readonly now?: number
}

/** A client's key for DPoP. */
export interface ProofKey {
  readonly jkt: string
  readonly jwk: JWK
  readonly privateJwk: JWK
  /** Signs a proof. */
  prove(method: string, url: string, change?: ProofChange): Promise<string>
}

/** Hash of an access token as proofs have it. */
export const athOf = (accessToken: unknown): string =>
  createHash('sha256').update(String(accessToken)).digest('base64url')

export async function createProofKey(alg = 'ES256'): Promise<ProofKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(publicKey)
  return {
    jkt: await calculateJwkThumbprint(jwk),
    jwk,
    privateJwk: await exportJWK(privateKey),
    prove(
      method,
      url,
      { payload, header, accessToken, signer = privateKey, now = Date.now() } = {},
    ) {
      const claims = {
        htm: method,
        htu: url,
        jti: randomUUID(),
        iat: Math.floor(now / 1000),
        ...(accessToken === undefined ? {} : { ath: athOf(accessToken) }),
        ...payload,
      }
      return new SignJWT(JSON.parse(JSON.stringify(claims)))
        .setProtectedHeader({ typ: 'dpop+jwt', alg, jwk, ...header })
        .sign(signer, { crit: { x: true } })
    },
  }
}
