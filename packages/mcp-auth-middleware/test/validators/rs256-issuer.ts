import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { sha256 } from '../../src/runtime.js'
import type { TokenValidator, ValidatorIncident, Verdict } from '../../src/validators/validator.js'

export const RESOURCE = 'https://mcp.test/mcp'
export const NOW = Date.UTC(2027, 0, 15)
export const SECONDS = NOW / 1000

type Claims = Readonly<Record<string, unknown>>

/** An issuer whose key set a validator reads through `fetch`, the only part that is not real. */
export async function createRs256Issuer(jwksUri: string) {
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  const stranger = await generateKeyPair('RS256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }
  const fetched: string[] = []

  const sign = (key: CryptoKey, claims: Claims, header: Claims): Promise<string> =>
    new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: 'k1', ...header })
      .sign(key)

  return {
    fetched,
    /** Only the key set exists; any other URL fails the test that fetched it. */
    fetch: async (input: string | URL | Request): Promise<Response> => {
      fetched.push(String(input))
      return String(input) === jwksUri
        ? Response.json({ keys: [jwk] })
        : new Response(null, { status: 404 })
    },
    token: (claims: Claims, header: Claims = {}) => sign(privateKey, claims, header),
    /** Signed by an unrelated key under the issuer's key id. */
    forged: (claims: Claims) => sign(stranger.privateKey, claims, {}),
  }
}

/** Hands one credential to a validator, as the guard does after it has chosen that validator. */
export async function present(
  validator: TokenValidator,
  token: string,
  now = NOW,
): Promise<Verdict> {
  return validator.validate(token, { resource: RESOURCE, digest: await sha256(token), now })
}

/** Makes the validator part of a host and returns what it reports. */
export function attach(validator: TokenValidator): ValidatorIncident[] {
  const incidents: ValidatorIncident[] = []
  validator.attach?.({ resources: [RESOURCE], report: (incident) => incidents.push(incident) })
  return incidents
}
