import type { EnvelopeCodec } from '@bestviable/mcp-auth-middleware/envelope'
import type { Database } from '../database/database.js'

/** The credentials of one namespace, as the operations of the store see them. */
export interface CredentialTable {
  readonly database: Database
  readonly namespace: string
  readonly codec: EnvelopeCodec
  /** Epoch milliseconds. */
  readonly now: () => number
}
