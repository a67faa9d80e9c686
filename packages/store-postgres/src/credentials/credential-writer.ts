import { setTimeout as delay } from 'node:timers/promises'
import {
  type Credential,
  type CredentialDeleteOptions,
  type CredentialInput,
  type CredentialKey,
  createCredential,
  createVersion,
  StoreConflictError,
  StoreUnavailableError,
} from '@bestviable/mcp-auth-middleware'
import { credentialContext, formatCredential } from '@bestviable/mcp-auth-middleware/envelope'
import type { SqlValue, Statement } from '../database/database.js'
import { isSerializationFailure } from '../database/database-errors.js'
import type { BoundStatement } from './bound-statement.js'

import type { CredentialTable } from './credential-table.js'
import type { DatabaseClock } from './database-clock.js'
import { digestBytes, digestKey } from './key-digest.js'
import { formatNotification, notificationChannel } from './notifications.js'
import { versionParameter, type WriteCondition } from './write-condition.js'
import { createWriteStatements } from './write-statements.js'

const WRITE_MILLISECONDS = 5000
const ATTEMPTS = 4

/** How a delete ended: whether there was a credential, and which version of it. */
export interface Deletion {
  readonly found: boolean
  readonly version: string | undefined
}

/** Writes and deletes credentials of one namespace, within 5 seconds after `startedAt`. */
export interface CredentialWriter {
  set(
    key: CredentialKey,
    input: CredentialInput,
    condition: WriteCondition,
    startedAt: number,
  ): Promise<Credential>
  delete(key: CredentialKey, options: CredentialDeleteOptions, startedAt: number): Promise<Deletion>
}

/**
 * Creates the writer. Every write is one statement, sealed before it is sent, under a version chosen
 * here. A statement is run again only where its answer says that it changed nothing; a write whose
 * answer was lost rejects with {@link StoreUnavailableError}, and may have been made.
 */
export function createCredentialWriter(
  table: CredentialTable,
  clock: DatabaseClock,
): CredentialWriter {
  const { database, namespace, codec, now } = table
  const statements = createWriteStatements(database.listens)
  const channel = notificationChannel(database)

  function place(key: CredentialKey, keyDigest: string) {
    const { provider, owner } = key
    const isUser = owner.kind === 'user'
    return {
      namespace,
      digest: digestBytes(keyDigest),
      provider,
      ownerKind: owner.kind,
      issuer: isUser ? owner.issuer : null,
      subject: isUser ? owner.subject : null,
      channel,
      notification: formatNotification(namespace, keyDigest),
    }
  }

  /** Runs a statement once; `undefined` when it certainly changed nothing and may be run again. */
  async function attempt(
    statement: Statement,
    values: readonly SqlValue[],
    timeoutMilliseconds: number,
  ): Promise<Deletion | undefined> {
    try {
      const [row = {}] = await database.query(statement, values, {
        kind: 'write',
        timeoutMilliseconds,
      })
      clock.learn(row)
      const { outcome, version } = row
      if (outcome === 'conflict') throw new StoreConflictError('another version is stored')
      // After `late` the clock is known better: it was set, or another server took over.
      if (outcome === 'late' || outcome === 'raced') return undefined
      const found = outcome === 'done'
      return { found, version: typeof version === 'string' ? version : undefined }
    } catch (error) {
      // The server says that it rolled the statement back.
      if (isSerializationFailure(error)) return undefined
      throw error
    }
  }

  async function run<Name extends string>(
    { statement, values }: BoundStatement<Name | 'deadline'>,
    parameters: Readonly<Record<Name, SqlValue>>,
    startedAt: number,
  ): Promise<Deletion> {
    for (let attempts = 0; attempts < ATTEMPTS; attempts++) {
      const left = WRITE_MILLISECONDS - (performance.now() - startedAt)
      if (left <= 0) break
      const bound = { ...parameters, deadline: clock.ahead(left) }
      const deletion = await attempt(statement, values(bound), left)
      if (deletion !== undefined) return deletion
      // Apart from each other, so that two writers do not meet again and again.
      await delay(1 + Math.random() * 20 * attempts)
    }
    throw new StoreUnavailableError('the write was not made within its deadline')
  }

  return {
    async set(key, input, condition, startedAt) {
      // The version is part of what is authenticated, so that it has to be chosen before sealing.
      const version = createVersion()
      const updatedAt = Math.floor(now() / 1000)
      const credential = createCredential(input, { version, updatedAt })
      const { wrappedKey, payload } = await codec.seal(
        credentialContext({ store: 'postgres', namespace, key, version }),
        formatCredential(credential),
      )
      const parameters = {
        ...place(key, digestKey(key)),
        version,
        updatedAt,
        keyId: wrappedKey.keyId,
        wrappedKey: wrappedKey.bytes,
        payload,
      }
      if (condition.kind === 'version') {
        const ifVersion = condition.version
        await run(statements.putIfVersion, { ...parameters, ifVersion }, startedAt)
      } else {
        const put = condition.kind === 'absent' ? statements.putIfAbsent : statements.put
        await run(put, parameters, startedAt)
      }
      return credential
    },

    delete(key, { ifVersion, tombstone }, startedAt) {
      const parameters = {
        ...place(key, digestKey(key)),
        ifVersion: versionParameter(ifVersion),
      }
      if (tombstone !== true) return run(statements.remove, parameters, startedAt)
      const stamp = { version: createVersion(), updatedAt: Math.floor(now() / 1000) }
      return run(statements.bury, { ...parameters, ...stamp }, startedAt)
    },
  }
}
