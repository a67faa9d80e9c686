import assert from 'node:assert/strict'
import { dualWriteTokenStore } from '../../../../packages/mcp-auth-middleware/src/token-store/migration/dual-write-token-store.js'
import { finishMigration } from '../../../../packages/mcp-auth-middleware/src/token-store/migration/finish-migration.js'
import { migrateCredentials } from '../../../../packages/mcp-auth-middleware/src/token-store/migration/migrate-credentials.js'
import { readNewTokenStore } from '../../../../packages/mcp-auth-middleware/src/token-store/migration/read-new-token-store.js'
import { verifyMigration } from '../../../../packages/mcp-auth-middleware/src/token-store/migration/verify-migration.js'
import type { TokenStore } from '../../../../packages/mcp-auth-middleware/src/token-store/token-store.js'
import {
  serviceKey,
  userKey,
} from '../../../../packages/mcp-auth-middleware/test/token-store/fake-store.js'
import { steppedStore } from '../../../../packages/mcp-auth-middleware/test/token-store/migration/stepped-store.js'

/** The owners whose credentials are moved. */
export const KEYS = [serviceKey, userKey('ann'), userKey('bob')] as const

/** The states of `docs/guides/migrate-stores.md`, by what servers use. */
export type Phase = 'old' | 'dual-write' | 'read-new' | 'new'

/** What readers must see: one secret, or none, for each of {@link KEYS}. */
export interface Expected {
  readonly secrets: (string | undefined)[]
  phase: Phase
}

/** The two stores of a migration. */
export interface Stores {
  readonly old: TokenStore
  readonly new: TokenStore
}

/** What the procedure is made of; a test replaces one part to make it wrong. */
export interface Parts {
  readonly dualWrite: (stores: Stores) => TokenStore
  readonly readNew: (stores: Stores) => TokenStore
  readonly copy: (stores: Stores) => Promise<unknown>
  readonly finish: (stores: Stores) => Promise<{ readonly finished: boolean }>
  /** Removes from the new store what was deleted in the old one while no server wrote both. */
  readonly clearExtra: (stores: Stores) => Promise<unknown>
}

/** The procedure of the guide. */
export const PARTS: Parts = {
  dualWrite: dualWriteTokenStore,
  readNew: readNewTokenStore,
  copy: ({ old, new: to }) => migrateCredentials({ from: old, to }),
  finish: ({ old, new: to }) => finishMigration({ from: old, to }),
  clearExtra: ({ old, new: to }) => migrateCredentials({ from: old, to, prefer: 'from' }),
}

/** A migration that really runs. */
export interface Migration {
  readonly parts: Parts
  stores: Stores
  /** What the source held when servers stopped writing it, until it may be emptied. */
  frozen: readonly string[] | undefined
  /** Empties a source that cannot be written, as a person does. */
  readonly emptyByHand: (() => void) | undefined
}

class ProcessDeath extends Error {}

/** The stores as a process sees them that dies after so many operations. */
export function mortal({ old, new: other }: Stores, operations: number): Stores {
  let passed = 0
  const die = () => {
    if (passed++ >= operations) throw new ProcessDeath()
  }
  const steps = { before: die, after: die }
  return { old: steppedStore(old, steps), new: steppedStore(other, steps) }
}

/** What servers use in a phase. */
export function serverOf(parts: Parts, phase: Phase, stores: Stores): TokenStore {
  switch (phase) {
    case 'old':
      return stores.old
    case 'dual-write':
      return parts.dualWrite(stores)
    case 'read-new':
      return parts.readNew(stores)
    case 'new':
      return stores.new
  }
}

/** The secrets of all keys. */
export async function secretsOf(store: TokenStore): Promise<(string | undefined)[]> {
  return Promise.all(KEYS.map(async (key) => (await store.get(key))?.secret))
}

/** Everything that a store holds, with the versions of the writes. */
export async function contentOf(store: TokenStore): Promise<readonly string[]> {
  return Promise.all(
    KEYS.map(async (key) => {
      const credential = await store.get(key)
      const tombstone = await store.tombstone?.(key)
      return JSON.stringify([credential?.secret, credential?.version, tombstone?.version])
    }),
  )
}

/** Holds after every step: nothing is lost, nothing comes back, and the source stays as it was. */
export async function checkInvariants(
  { secrets, phase }: Expected,
  { parts, stores, frozen }: Migration,
): Promise<void> {
  const seen = await secretsOf(serverOf(parts, phase, stores))
  assert.deepEqual(seen, secrets, `readers in ${phase} see something else`)
  if (frozen !== undefined) {
    assert.deepEqual(await contentOf(stores.old), frozen, 'the source was changed before the end')
  }
}

/** Whether the guide lets servers go on to `read-new`. */
export async function isVerified({ stores }: Migration): Promise<boolean> {
  return (await verifyMigration({ from: stores.old, to: stores.new })).ok
}
