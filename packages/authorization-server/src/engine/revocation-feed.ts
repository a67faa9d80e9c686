import { grantKeyOf } from '../storage/grant-key.js'
import type { Revocation, Storage } from '../storage/storage.js'

/** A feed that has not been read for so long cannot tell, in milliseconds. */
export const FEED_LIMIT = 60_000
const READ_INTERVAL = 5_000

/** What a token is identified by. */
export interface RevocableToken {
  readonly tokenId?: string | undefined
  readonly grantId?: string | undefined
  readonly subject: string
  readonly clientId?: string | undefined
}

/** The revocations of all replicas, in memory. */
export interface RevocationFeed {
  check(token: RevocableToken, now: number): 'active' | 'revoked' | 'stale'
  /** Reads what is new. Never rejects; a failure makes the feed older. */
  refresh(): Promise<void>
  close(): void
}

/** Loads all current revocations and follows the storage from there. Rejects when it cannot be read. */
export async function openRevocationFeed(options: {
  readonly storage: Storage
  readonly now: () => number
  /** Called when a signing key was revoked, so that this process drops it before its next poll. */
  readonly onKeyRevoked?: (() => void) | undefined
}): Promise<RevocationFeed> {
  const { storage, now, onKeyRevoked } = options
  const entries = new Map<string, number>()
  const nameOf = ({ kind, id }: Pick<Revocation, 'kind' | 'id'>): string => `${kind} ${id}`
  const apply = (revocations: readonly Revocation[]): void => {
    for (const revocation of revocations) {
      const name = nameOf(revocation)
      entries.set(name, Math.max(entries.get(name) ?? 0, revocation.expiresAt))
    }
  }
  const prune = (): void => {
    const seconds = now() / 1000
    for (const [name, expiresAt] of entries) if (expiresAt <= seconds) entries.delete(name)
  }

  const first = await storage.revocations.read()
  apply(first.revocations)
  let position = first.position
  let readAt = now()
  let running: Promise<void> | undefined

  const read = async (): Promise<void> => {
    const startedAt = now()
    try {
      const next = await storage.revocations.read(position)
      apply(next.revocations)
      if (next.revocations.some(({ kind }) => kind === 'key')) onKeyRevoked?.()
      position = next.position
      readAt = startedAt
      prune()
    } catch {
      // The age of the feed tells; one failed read is no reason to refuse anybody.
    } finally {
      running = undefined
    }
  }
  const refresh = async (): Promise<void> => {
    // A read that is under way may have started before the change.
    await running
    running ??= read()
    await running
  }

  const unwatch = storage.revocations.watch(() => void refresh())
  const timer = setInterval(() => void refresh(), READ_INTERVAL)
  timer.unref()

  const isRevoked = (kind: Revocation['kind'], id: string | undefined, seconds: number): boolean =>
    id !== undefined && (entries.get(nameOf({ kind, id })) ?? 0) > seconds

  return {
    check({ tokenId, grantId, subject, clientId }, time) {
      const seconds = time / 1000
      if (
        isRevoked('grant', grantId && grantKeyOf(grantId), seconds) ||
        isRevoked('token', tokenId, seconds) ||
        isRevoked('user', subject, seconds) ||
        isRevoked('client', clientId, seconds)
      ) {
        return 'revoked'
      }
      return Math.abs(now() - readAt) > FEED_LIMIT ? 'stale' : 'active'
    },
    refresh,
    close() {
      unwatch()
      clearInterval(timer)
    },
  }
}
