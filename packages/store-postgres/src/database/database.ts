/** A statement with a stable name, under which it is prepared once per connection. */
export interface Statement {
  /** At most 40 characters; unique per text within this package. */
  readonly name: string
  /** SQL with `$1` … parameters. `{schema}` stands for the quoted schema. */
  readonly text: string
}

/** A value that a parameter can have. */
export type SqlValue =
  | string
  | number
  | bigint
  | boolean
  | Date
  | Uint8Array
  | readonly string[]
  | readonly Uint8Array[]
  | null

/** A row as both engines return it: `bytea` as Uint8Array, `timestamptz` as Date, `bigint` as text. */
export type SqlRow = Readonly<Record<string, unknown>>

/** Deadline and end of one statement or transaction. */
export interface QueryOptions {
  /** Milliseconds for acquiring a connection and all statements together. Default by `kind`. */
  readonly timeoutMilliseconds?: number | undefined
  /** `read`: 2 s; `write`: 5 s; `maintenance`: 60 s. Default `read`. */
  readonly kind?: 'read' | 'write' | 'maintenance' | undefined
  /** Gives up waiting for the answer. */
  readonly signal?: AbortSignal | undefined
}

/** Runs statements, inside or outside a transaction. */
export interface Queryable {
  /**
   * Runs one statement and resolves with its rows.
   *
   * @throws {@link StoreUnavailableError} when the database is unreachable, too slow, read-only for a
   *   write, full, shutting down or out of connections; `cause` holds a sanitised error with `code`.
   */
  query(
    statement: Statement,
    values?: readonly SqlValue[],
    options?: QueryOptions,
  ): Promise<readonly SqlRow[]>
}

/** Tells listeners about other processes. */
export interface NotificationListener {
  /** One notification; the payload is what `notify` sent. */
  onNotification(payload: string): void
  /** The connection was lost and is back, or a heartbeat was missed: anything may have been missed. */
  onReset(): void
}

/** One PostgreSQL or PGlite database with its schema, shared by stores. Made by {@link createDatabase}. */
export interface Database extends Queryable {
  readonly engine: 'postgres' | 'pglite'
  readonly schema: string
  /** Whether LISTEN is used; when false, callers poll. */
  readonly listens: boolean
  /** Milliseconds between two polls of stores that cannot listen. */
  readonly pollMilliseconds: number
  /**
   * Runs statements in one transaction, retried at most 3 times on 40001 and 40P01: `run` must be
   * repeatable. Rolls back when `run` rejects. On PostgreSQL a last statement that `run` does not wait
   * for travels with the commit, which fails with it.
   */
  transaction<Value>(
    run: (transaction: Queryable) => Promise<Value>,
    options?: QueryOptions,
  ): Promise<Value>
  /**
   * Listens on a channel with a dedicated connection, reconnecting for ever, with a heartbeat. Resolves
   * with a function that stops it. Only where `listens` is true.
   */
  listen(channel: string, listener: NotificationListener): Promise<() => Promise<void>>
  /** Applies or verifies the schema once per process; every query waits for it. */
  ready(options?: QueryOptions): Promise<void>
  /** Ends connections that this database opened; a Pool that was passed in stays open. Idempotent. */
  close(): Promise<void>
}
