import { StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import { createLocalJWKSet, jwtVerify } from 'jose'
import type { AdapterPayload } from 'oidc-provider'
import type { Engine } from './engine.js'
import type { RevocableToken } from './revocation-feed.js'
import { shadowIds } from './shadow-record.js'

/** A JWT of ours whose signature and time are good, with the record that stands for it. */
export interface OwnToken {
  readonly jti: string
  readonly expiresAt: number
  readonly subject: string
  readonly clientId: string
  readonly grantId: string | undefined
  /** Id under which the engine knows it. */
  readonly recordId: string
  readonly model: 'AccessToken' | 'ClientCredentials'
  readonly record: AdapterPayload
}

/** Tells whether a text has the shape of a JWT, without judging it. */
export function looksLikeJwt(token: string): boolean {
  return token.length <= 8192 && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)
}

/** Tells whether a token is revoked though its record may stand: it can be written after the revocation. */
async function isRevoked({ feed, parts }: Engine, token: RevocableToken): Promise<boolean> {
  if (feed.check(token, parts.now()) === 'stale') await feed.refresh()
  const state = feed.check(token, parts.now())
  if (state === 'stale') throw new StoreUnavailableError('the revocations cannot be read')
  return state === 'revoked'
}

/**
 * Finds the token that a JWT of ours is; `undefined` when it is not ours, expired or revoked. Not to be
 * called in a transaction, since it may wait for a read of the revocations by somebody else.
 */
export async function findOwnToken(engine: Engine, token: string): Promise<OwnToken | undefined> {
  const { issuer, now, storage, secrets } = engine.parts
  if (!looksLikeJwt(token)) return undefined
  const payload = await jwtVerify(
    token,
    createLocalJWKSet({
      keys: engine.keys.jwks.keys.map((key) => ({ ...key }) as { kty: string }),
    }),
    { issuer, typ: 'at+jwt', currentDate: new Date(now()), clockTolerance: 10 },
  ).then(
    (result) => result.payload,
    () => undefined,
  )
  const { jti, sub, exp, client_id: clientId, grant_id: grantId } = payload ?? {}
  if (jti === undefined || sub === undefined || exp === undefined) return undefined
  const revocable = {
    subject: sub,
    clientId: String(clientId),
    grantId: typeof grantId === 'string' ? grantId : undefined,
  }
  if (await isRevoked(engine, { tokenId: jti, ...revocable })) return undefined
  for (const recordId of shadowIds(secrets, jti)) {
    for (const model of ['AccessToken', 'ClientCredentials'] as const) {
      const record = await storage.records(model).find(recordId)
      if (record === undefined) continue
      return {
        jti,
        expiresAt: exp,
        ...revocable,
        recordId,
        model,
        record,
      }
    }
  }
  return undefined
}
