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
  /** Whether it sends statements without waiting for the answers to those before. */
  readonly pipeline?: boolean | undefined
  readonly connection?: { readonly stream?: { cork(): void; uncork(): void } } | undefined
}

/** The part of a Pool of `pg` that is used here. */
export interface PgPool {
  /** Gives a client when there is one, or the reason why there is none. */
  connect(
    callback: (
      error: Error | undefined,
      client: PgPoolClient | undefined,
      release: (destroy?: boolean) => void,
    ) => void,
  ): void
  /** Tells of a client that was lost while it was idle. */
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** Ends a connection at once and takes it out of its Pool. */
export function destroyClient(client: PgPoolClient): void {
  client.release(true)
  // `release` says goodbye first, which never ends where the network swallows packets.
  const stream: unknown = Reflect.get(Reflect.get(client, 'connection') ?? {}, 'stream')
  if (typeof stream === 'object' && stream !== null && 'destroy' in stream) {
    if (typeof stream.destroy === 'function') stream.destroy()
  }
}
