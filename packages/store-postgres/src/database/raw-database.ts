import type { Database } from './database.js'

/** An engine without its schema: `query` and `transaction` run whether or not the tables are there. */
export type RawDatabase = Omit<Database, 'ready'>
