import { ConfigurationError, isCredentialName } from '@bestviable/mcp-auth-middleware'
import * as z from 'zod/mini'
import { describeIssue } from '../describe-issue.js'

/** How far an export or import is. */
export interface BackupProgress {
  readonly table: string
  /** Rows of this table so far. */
  readonly rows: number
}

/** Options for `exportDatabase`. */
export interface ExportOptions {
  /** Exports the rows of one namespace only. Default: all. */
  readonly namespace?: string | undefined
  /** Called after every batch. */
  readonly onProgress?: ((progress: BackupProgress) => void) | undefined
  /** Ends the export; the iteration rejects with its reason. */
  readonly signal?: AbortSignal | undefined
}

/** Options for `importDatabase`. */
export interface ImportOptions {
  /**
   * What to do with credentials, users, clients and tokens that are there already: `refuse` the whole
   * import, `skip` them, or `replace` them by those of the backup. Default `refuse`.
   */
  readonly onExisting?: 'refuse' | 'skip' | 'replace' | undefined
  /** Checks and counts everything and writes nothing. Default false. */
  readonly dryRun?: boolean | undefined
  /** Called after every batch. */
  readonly onProgress?: ((progress: BackupProgress) => void) | undefined
  /** Ends the import, of which nothing is kept; it rejects with its reason. */
  readonly signal?: AbortSignal | undefined
}

const Listener = z.custom<(progress: BackupProgress) => void>(
  (value) => typeof value === 'function',
  { error: 'must be a function' },
)
const Signal = z.custom<AbortSignal>((value) => value instanceof AbortSignal, {
  error: 'must be an AbortSignal',
})

const Export = z.strictObject({
  namespace: z.optional(
    z.custom<string>((value) => isCredentialName(value), {
      error: 'must be 1 to 64 letters, digits, "_" or "-" and not start with "-"',
    }),
  ),
  onProgress: z.optional(Listener),
  signal: z.optional(Signal),
})

const Import = z.strictObject({
  onExisting: z._default(
    z.enum(['refuse', 'skip', 'replace'], { error: 'must be "refuse", "skip" or "replace"' }),
    'refuse',
  ),
  dryRun: z._default(z.boolean({ error: 'must be true or false' }), false),
  onProgress: z.optional(Listener),
  signal: z.optional(Signal),
})

function parse<Parsed>(subject: string, schema: z.ZodMiniType<Parsed>, options: unknown): Parsed {
  const result = schema.safeParse(options)
  if (result.success) return result.data
  throw new ConfigurationError(subject, result.error.issues.flatMap(describeIssue))
}

/** Validates the options of `exportDatabase`. */
export function parseExportOptions(options: ExportOptions): z.infer<typeof Export> {
  return parse('exportDatabase', Export, options)
}

/** Validates the options of `importDatabase`. */
export function parseImportOptions(options: ImportOptions): z.infer<typeof Import> {
  return parse('importDatabase', Import, options)
}
