import { StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import type { AdapterPayload } from 'oidc-provider'
import type { Engine } from './engine.js'
import type { OwnClaims } from './own-claims.js'
import type { RevocableToken } from './revocation-feed.js'
import { shadowIds } from './shadow-record.js'

/** A JWT of ours whose signature and time are good, with the record that stands for it. */
export interface OwnToken extends OwnClaims {
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
 * Reads a JWT of ours; `undefined` when it is not ours, expired or revoked. Not to be called in a transaction,
 * since it may wait for a read of the revocations by somebody else.
 */
export async function readOwnToken(engine: Engine, token: string): Promise<OwnClaims | undefined> {
  if (!looksLikeJwt(token)) return undefined
  const claims = await engine.readOwnClaims(token)
  if (claims === undefined) return undefined
  const { jti: tokenId, grantId, subject, clientId } = claims
  return (await isRevoked(engine, { tokenId, grantId, subject, clientId })) ? undefined : claims
}

/** Finds the record of a JWT of ours by the ids that it may have. */
export async function findRecord(
  { parts }: Engine,
  ids: readonly string[],
): Promise<Pick<OwnToken, 'recordId' | 'model' | 'record'> | undefined> {
  for (const recordId of ids) {
    for (const model of ['AccessToken', 'ClientCredentials'] as const) {
      const record = await parts.storage.records(model).find(recordId)
      if (record !== undefined) return { recordId, model, record }
    }
  }
  return undefined
}

/** Tells which of the ids that a record may have it has; the only one is not looked up. */
export async function findRecordId(
  engine: Engine,
  ids: readonly string[],
): Promise<string | undefined> {
  return ids.length === 1 ? ids[0] : (await findRecord(engine, ids))?.recordId
}

/** Finds the token that a JWT of ours is, as {@link readOwnToken} does, with its record. */
export async function findOwnToken(engine: Engine, token: string): Promise<OwnToken | undefined> {
  const claims = await readOwnToken(engine, token)
  if (claims === undefined) return undefined
  const found = await findRecord(engine, shadowIds(engine.parts.secrets, claims.jti))
  return found && { ...claims, ...found }
}
