import { setTimeout as pause } from 'node:timers/promises'
import { isAuthError } from '@bestviable/mcp-auth-middleware'
import type { Logger } from './logger.js'

const RETRY_MILLISECONDS = 1000

/** Options for {@link waitForDependency}. */
export interface WaitOptions {
  /** What is waited for, as the subject of a sentence. */
  readonly what: string
  /** Rejects with `ERR_STORE_UNAVAILABLE` while it is worth trying again. */
  readonly attempt: () => Promise<void>
  readonly logger: Logger
  /** Ends the wait, when the server ends first. */
  readonly signal: AbortSignal
}

const isUnavailable = (error: unknown) =>
  isAuthError(error) && error.code === 'ERR_STORE_UNAVAILABLE'

/**
 * Tries once. When what is needed does not answer, it is tried again every second in the background
 * until it does.
 *
 * @throws What the attempt says when it can never work as it is configured, such as a wrong key.
 */
export async function waitForDependency(options: WaitOptions): Promise<void> {
  const { what, attempt, logger, signal } = options
  try {
    await attempt()
    return
  } catch (error) {
    if (!isUnavailable(error)) throw error
    logger.warn({ err: error }, `${what} does not answer; trying again`)
  }

  async function retry(): Promise<void> {
    for (;;) {
      await pause(RETRY_MILLISECONDS, undefined, { signal, ref: false })
      try {
        await attempt()
        break
      } catch (error) {
        if (!isUnavailable(error)) throw error
      }
    }
    logger.info(`${what} answers`)
  }
  retry().catch((error: unknown) => {
    if (!signal.aborted) logger.fatal({ err: error }, `${what} cannot be used`)
  })
}
