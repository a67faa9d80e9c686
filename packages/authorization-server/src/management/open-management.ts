import { ConfigurationError, isAuthError, type TokenStore } from '@bestviable/mcp-auth-middleware'
import {
  createEnvelopeCodec,
  localKeyProvider,
  parseEncryptionKeys,
} from '@bestviable/mcp-auth-middleware/envelope'
import { createDatabase, type Database } from '@bestviable/mcp-auth-store-postgres'
import * as z from 'zod/mini'
import { parseRegistration } from '../clients/registration.js'
import { describeIssue } from '../describe-issue.js'
import { createStorage } from '../storage/create-storage.js'
import { createManagement } from './create-management.js'
import type { Management } from './management.js'

const SUBJECT = 'openManagement'
const DAY = 86_400

/** Options of {@link openManagement}. */
export interface OpenManagementOptions {
  /** Connection string of PostgreSQL, or a database made by `createDatabase`, which stays open. */
  readonly database: string | Database
  /** Those of the server. */
  readonly encryptionKeys: string
  /** Where the upstream credentials of users are; without it `users.erase` leaves them. */
  readonly credentials?: TokenStore | undefined
  /**
   * At least the access token life of the server, in seconds: for so long a revocation is kept, and a
   * retired signing key published. Default 31 days, the longest that a server can have.
   */
  readonly longestTokenLife?: number | undefined
  /** Current time in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

const isObjectWith = (name: string) => (value: unknown) =>
  typeof value === 'object' && value !== null && typeof Reflect.get(value, name) === 'function'
const LIFE = { error: `must be a whole number of seconds from 30 to ${31 * DAY}` }

const Options = z.strictObject({
  database: z.custom<string | Database>(
    (value) =>
      (typeof value === 'string' && /^postgres(?:ql)?:\/\//.test(value)) ||
      isObjectWith('query')(value),
    { error: 'must be a postgresql:// connection string, or made by createDatabase' },
  ),
  encryptionKeys: z.string({ error: 'must be the keys of the server, in base64' }),
  credentials: z.optional(
    z.custom<TokenStore>(isObjectWith('keys'), { error: 'must be a TokenStore' }),
  ),
  longestTokenLife: z._default(z.int(LIFE).check(z.gte(30, LIFE), z.lte(31 * DAY, LIFE)), 31 * DAY),
  now: z._default(
    z.custom<() => number>((value) => typeof value === 'function', {
      error: 'must be a function',
    }),
    () => Date.now,
  ),
})

function parseOptions(options: OpenManagementOptions): z.infer<typeof Options> {
  const result = Options.safeParse(options)
  if (!result.success) {
    throw new ConfigurationError(SUBJECT, result.error.issues.flatMap(describeIssue))
  }
  try {
    parseEncryptionKeys(result.data.encryptionKeys)
  } catch (error) {
    if (!isAuthError(error) || error.code !== 'ERR_CONFIGURATION') throw error
    throw new ConfigurationError(
      SUBJECT,
      (error as ConfigurationError).problems.map(({ message }) => ({
        path: 'encryptionKeys',
        message,
      })),
    )
  }
  return result.data
}

/**
 * Opens users, clients, connections, signing keys and audit trail of an authorization server from
 * outside of it, as the command line does. Nothing of the protocol engine is loaded. Running servers see
 * revocations within a second, and signing keys within a minute.
 *
 * @throws ConfigurationError at once, listing every bad option. Methods reject with one when the keys
 *   are not those of the database.
 */
export function openManagement(options: OpenManagementOptions): Management & {
  /** Closes the database, unless it was given. */
  close(): Promise<void>
} {
  const {
    database: given,
    encryptionKeys,
    credentials,
    longestTokenLife,
    now,
  } = parseOptions(options)
  const database = typeof given === 'string' ? createDatabase({ connectionString: given }) : given
  const codec = createEnvelopeCodec({ keyProvider: localKeyProvider({ keys: encryptionKeys }) })
  const storage = createStorage({ database, codec, now })
  const management = createManagement({
    storage,
    credentials,
    issuer: undefined,
    keyPolicy: { longestTokenLife },
    parseRegistration: (body) => parseRegistration(body, { redirectPolicy: {} }),
    isScope: undefined,
    record: (event) => storage.audit(event),
    tell: () => undefined,
    afterChange: async () => undefined,
    afterKeyChange: async () => undefined,
    now,
  })
  return {
    ...management,
    async close() {
      await storage.close()
      if (typeof given === 'string') await database.close()
    },
  }
}
