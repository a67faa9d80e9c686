/** What a query resolves with, as far as it is used here. */
export interface PgResult {
  readonly command: string
  readonly rows: unknown[]
}

/** One query as `pg` takes it. */
export interface PgQueryConfig {
  name?: string | undefined
  text: string
  values?: readonly unknown[] | undefined
  types?: {
    getTypeParser(oid: number, format?: 'text' | 'binary'): unknown
  }
}

/** The part of a client of `pg` that is used here. */
export interface PgClient {
  query(config: PgQueryConfig, callback: (error: Error, result: PgResult) => void): void
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** A client while it is checked out of a Pool. */
export interface PgPoolClient extends PgClient {
  release(destroy?: boolean): void
}

/** The part of a Pool of `pg` that is used here. */
export interface PgPool {
  connect(
    callback: (
      error: Error | undefined,
      client: PgPoolClient | undefined,
      release: (destroy?: boolean) => void,
    ) => void,
  ): void
  on(event: 'error', listener: (error: Error) => void): unknown
}
