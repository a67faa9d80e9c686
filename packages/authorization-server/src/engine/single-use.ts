import type { Storage } from '../storage/storage.js'
import { currentScope } from './engine-scope.js'
import { observed } from './observed-storage.js'

/**
 * Seconds that a used JWT is kept longer than the engine asks for. It takes proofs that are up to this
 * time ahead of its clock, which stay good for so much longer.
 */
const MARGIN_SECONDS = 300

/** A signed JWT that may be used once, such as a proof or an assertion. */
export interface UsedJwt {
  readonly name: string
  /** Epoch seconds. */
  readonly expiresAt: number
}

/** Marks a JWT as used, and tells whether this was its first use. The scope remembers those. */
export async function useJwtOnce(
  storage: Storage,
  issuer: string,
  id: string,
  expiresAt: number,
): Promise<boolean> {
  const used = { name: JSON.stringify([issuer, id]), expiresAt: expiresAt + MARGIN_SECONDS }
  const isFirst = await observed(() => storage.useOnce(used.name, used.expiresAt))
  if (isFirst) currentScope()?.usedJwts.push(used)
  return isFirst
}

/**
 * Marks as used what a rollback has taken back.
 *
 * @returns whether nobody has used any of it in between.
 */
export async function keepUsedJwts(storage: Storage, used: readonly UsedJwt[]): Promise<boolean> {
  let isFirst = true
  for (const { name, expiresAt } of used) {
    if (!(await storage.useOnce(name, expiresAt))) isFirst = false
  }
  return isFirst
}
