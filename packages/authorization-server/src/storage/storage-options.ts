import { ConfigurationError } from '@bestviable/mcp-auth-middleware'
import type { EnvelopeCodec } from '@bestviable/mcp-auth-middleware/envelope'
import type { Database } from '@bestviable/mcp-auth-store-postgres'
import * as z from 'zod/mini'
import { describeIssue } from '../describe-issue.js'

/** Options for `createStorage`. */
export interface StorageOptions {
  /** Made by `createDatabase`. Stays open when the storage is closed. */
  readonly database: Database
  /** Seals and opens payloads. */
  readonly codec: EnvelopeCodec
  /** Current time in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false
  return names.every((name) => typeof Reflect.get(value, name) === 'function')
}

const Options = z.strictObject({
  database: z.custom<Database>((value) => hasMethods(value, ['query', 'transaction', 'listen']), {
    error: 'must be made by createDatabase',
  }),
  codec: z.custom<EnvelopeCodec>((value) => hasMethods(value, ['seal', 'open']), {
    error: 'must be made by createEnvelopeCodec',
  }),
  now: z._default(
    z.custom<() => number>((value) => typeof value === 'function', {
      error: 'must be a function',
    }),
    () => Date.now,
  ),
})

/** Validates the options of `createStorage`. */
export function parseStorageOptions(options: StorageOptions): Required<StorageOptions> & {
  readonly now: () => number
} {
  const result = Options.safeParse(options)
  if (result.success) return result.data
  throw new ConfigurationError('createStorage', result.error.issues.flatMap(describeIssue))
}
