import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import type { AdapterPayload } from 'oidc-provider'
import type { Storage } from '../storage/storage.js'

/** Time after the first use of a refresh token in which its answer is given again, in seconds. */
export const REPLAY_SECONDS = 120
const REPLAY = 'RefreshReplay'
const MAX_STEPS = 64

/** What has to be the same for an answer to be given again. */
export interface ReplayRequest {
  readonly clientId: string
  readonly scope: string
  readonly resource: string
  /** Thumbprint of the key of the DPoP proof; empty without one. */
  readonly jkt: string
}

/** An answer of the token endpoint. */
export type TokenResponse = Readonly<Record<string, unknown>>

/** The token has 256 random bits, so one keyed hash of it is a key. */
function keyOf(refreshToken: string): Buffer {
  return createHmac('sha256', 'mcp refresh replay').update(refreshToken).digest()
}

function seal(refreshToken: string, bytes: Uint8Array): string {
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', keyOf(refreshToken), iv, { authTagLength: 16 })
  const sealed = Buffer.concat([cipher.update(bytes), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url')
}

function unseal(refreshToken: string, text: string): string {
  const bytes = Buffer.from(text, 'base64url')
  const [iv, tag] = [bytes.subarray(0, 12), bytes.subarray(12, 28)]
  const decipher = createDecipheriv('aes-256-gcm', keyOf(refreshToken), iv, { authTagLength: 16 })
  decipher.setAuthTag(tag)
  return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8')
}

/** Keeps the answer to the first use, which is JSON, readable only by who holds the spent token. */
export async function keepReplay(
  storage: Storage,
  refreshToken: string,
  request: ReplayRequest & { readonly grantId: string | undefined; readonly now: number },
  response: Uint8Array,
): Promise<void> {
  const { clientId, scope, resource, jkt, grantId, now } = request
  const answer = seal(refreshToken, response)
  const usedAt = Math.floor(now / 1000)
  const record = { clientId, grantId, scope, resource, jkt, answer, usedAt }
  await storage.records(REPLAY).upsert(refreshToken, record, REPLAY_SECONDS)
}

/** How a spent refresh token stands. */
export async function judgeReplay(
  storage: Storage,
  refreshToken: string,
  request: ReplayRequest & { readonly now: number },
): Promise<'replay' | 'other_request' | 'late'> {
  const record = await storage.records(REPLAY).find(refreshToken)
  if (record === undefined || !isInTime(record, request.now)) return 'late'
  const isSame =
    record.clientId === request.clientId &&
    record.scope === request.scope &&
    record.resource === request.resource &&
    (record.jkt ?? '') === request.jkt
  return isSame ? 'replay' : 'other_request'
}

function isInTime(record: AdapterPayload, now: number): boolean {
  return typeof record.usedAt === 'number' && now / 1000 - record.usedAt <= REPLAY_SECONDS
}

/**
 * Finds the answer whose refresh token is the head of the family: when the token of the kept answer
 * is spent as well, its own kept answer counts. `undefined` when the head cannot be reached.
 */
export async function findReplay(
  storage: Storage,
  refreshToken: string,
  now: number,
): Promise<TokenResponse | undefined> {
  let token = refreshToken
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const record = await storage.records(REPLAY).find(token)
    if (record === undefined || typeof record.answer !== 'string') return undefined
    const response: TokenResponse = JSON.parse(unseal(token, record.answer))
    const next = response.refresh_token
    if (typeof next !== 'string') return undefined
    const head = await storage.records('RefreshToken').find(next)
    if (head === undefined) return undefined
    if (head.consumed === undefined) {
      const age = Math.floor(now / 1000) - Number(record.usedAt)
      return { ...response, expires_in: Math.max(1, Number(response.expires_in) - age) }
    }
    token = next
  }
  return undefined
}
