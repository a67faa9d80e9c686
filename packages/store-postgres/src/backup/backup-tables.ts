import { authorizationServerBackupTables } from './authorization-server-backup.js'

/** How the values of a column travel: as text, except for `bytea`, which is base64. */
export type BackupColumnType = 'text' | 'bytea' | 'uuid' | 'timestamptz' | 'jsonb' | 'boolean'

/** A column that is exported. */
export interface BackupColumn {
  readonly name: string
  readonly type: BackupColumnType
  readonly nullable?: true
  /** Exact length of `bytea`. */
  readonly bytes?: number
}

/** A value of an exported row. */
export type BackupValue = string | null

/** An exported row, by column. */
export type BackupRow = Readonly<Record<string, BackupValue>>

/**
 * A table that is exported and imported. Adding one to {@link backupTables} is all that backups need;
 * a new column of an old table must be nullable or have a default.
 */
export interface BackupTable {
  /** Name without the schema, at most 20 characters. */
  readonly name: string
  readonly columns: readonly BackupColumn[]
  /** Columns in whose order rows are read, unique together. Not exported where not among the columns. */
  readonly order: readonly {
    readonly name: string
    readonly type: 'text' | 'bytea' | 'bigint' | 'uuid'
  }[]
  /** Whether the table has a column `namespace`. */
  readonly hasNamespace: boolean
  /** Whether the rows belong to no namespace, so that a backup of one leaves them out. */
  readonly isWholeOnly?: true
  /**
   * What happens to a row that is there already: `ask`: what the caller of the import chose; `keep`: the
   * old one stays; `append`: rows have no identity, and only one that is equal in all columns is left out.
   */
  readonly existing: 'ask' | 'keep' | 'append'
  /** Columns that a replaced row gets the clock of the database in, for replicas that poll. */
  readonly touched?: readonly string[]
  /** What is wrong with a row whose columns are right one by one. */
  problem?(row: BackupRow): string | undefined
}

/** Every table that is exported, in the order in which they are imported. */
export const backupTables: readonly BackupTable[] = [
  {
    name: 'encryption_keys',
    columns: [
      { name: 'key_id', type: 'bytea', bytes: 8 },
      { name: 'check_wrapped', type: 'bytea' },
      { name: 'check_payload', type: 'bytea' },
      { name: 'created_at', type: 'timestamptz' },
    ],
    order: [{ name: 'key_id', type: 'bytea' }],
    hasNamespace: false,
    // The check values of one key say the same, whichever process made them.
    existing: 'keep',
  },
  {
    name: 'credentials',
    columns: [
      { name: 'namespace', type: 'text' },
      { name: 'key_digest', type: 'bytea', bytes: 32 },
      { name: 'provider', type: 'text' },
      { name: 'owner_kind', type: 'text' },
      { name: 'owner_issuer', type: 'text', nullable: true },
      { name: 'owner_subject', type: 'text', nullable: true },
      { name: 'version', type: 'uuid' },
      { name: 'key_id', type: 'bytea', nullable: true, bytes: 8 },
      { name: 'wrapped_key', type: 'bytea', nullable: true },
      { name: 'payload', type: 'bytea', nullable: true },
      { name: 'updated_at', type: 'timestamptz' },
    ],
    order: [
      { name: 'namespace', type: 'text' },
      { name: 'key_digest', type: 'bytea' },
    ],
    hasNamespace: true,
    existing: 'ask',
    touched: ['changed_at'],
    problem(row) {
      const isUser = row.owner_kind === 'user'
      if (!isUser && row.owner_kind !== 'service') return 'owner_kind is neither service nor user'
      if ([row.owner_issuer, row.owner_subject].some((each) => (each !== null) !== isUser)) {
        return 'the owner is incomplete'
      }
      const sealed = [row.key_id, row.wrapped_key, row.payload].filter((each) => each !== null)
      return sealed.length % 3 === 0 ? undefined : 'the sealed columns are incomplete'
    },
  },
  {
    name: 'audit_events',
    columns: [
      { name: 'at', type: 'timestamptz' },
      { name: 'event', type: 'text' },
      { name: 'outcome', type: 'text' },
      { name: 'reason', type: 'text', nullable: true },
      { name: 'store', type: 'text', nullable: true },
      { name: 'namespace', type: 'text', nullable: true },
      { name: 'provider', type: 'text', nullable: true },
      { name: 'owner_kind', type: 'text', nullable: true },
      { name: 'key_digest', type: 'bytea', nullable: true },
      { name: 'version', type: 'text', nullable: true },
      { name: 'actor_issuer', type: 'text', nullable: true },
      { name: 'actor_subject', type: 'text', nullable: true },
      { name: 'actor_client_id', type: 'text', nullable: true },
      { name: 'details', type: 'jsonb', nullable: true },
    ],
    order: [{ name: 'id', type: 'bigint' }],
    hasNamespace: true,
    existing: 'append',
  },
  ...authorizationServerBackupTables,
]
