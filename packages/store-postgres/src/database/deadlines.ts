import type { QueryOptions } from './database.js'

/** Milliseconds that each kind of statement or transaction has, waiting included. */
export const DEADLINES = { read: 2_000, write: 5_000, maintenance: 60_000 } as const

/** Milliseconds that a statement or transaction with these options has. */
export function deadlineOf(options: QueryOptions | undefined): number {
  return options?.timeoutMilliseconds ?? DEADLINES[options?.kind ?? 'read']
}
