import * as z from 'zod/mini'
import {
  functionSchema,
  integerSchema,
  Name,
  parseOptions,
  Signal,
} from '../audit/parse-options.js'

/** How far a run over the sealed records is. */
export interface RotationProgress {
  /** Records looked at so far. */
  readonly done: number
  /** Records to look at, as counted at the start. */
  readonly total: number
}

/** Options for {@link rotateKeys} and {@link verifyRecords}. */
export interface RotationOptions {
  /** Only the records of this namespace. Default all of the schema. */
  readonly namespace?: string | undefined
  /** Records that are read and written at once, 1 to 10,000. Default 500. */
  readonly batchSize?: number | undefined
  /** Called after each batch. */
  readonly onProgress?: ((progress: RotationProgress) => void) | undefined
  /** Ends the run between two batches. Whatever was done stays done, and the next run goes on there. */
  readonly signal?: AbortSignal | undefined
}

const Options = z.strictObject({
  namespace: z.optional(Name),
  batchSize: z._default(integerSchema(1, 10_000), 500),
  onProgress: z.optional(functionSchema<(progress: RotationProgress) => void>()),
  signal: z.optional(Signal),
})

/** Validates the options of the function named. */
export function parseRotationOptions(
  subject: string,
  options: RotationOptions,
): z.infer<typeof Options> {
  return parseOptions(subject, Options, options)
}
