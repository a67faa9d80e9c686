import { setTimeout as pause } from 'node:timers/promises'
import { isAuthError, type TokenStore } from '@bestviable/mcp-auth-middleware'
import type { Logger } from './logger.js'

const RETRY_MILLISECONDS = 1000

/** Options for {@link waitForStore}. */
export interface WaitForStoreOptions {
  readonly store: TokenStore
  readonly logger: Logger
  /** Ends the wait, when the server ends first. */
  readonly signal: AbortSignal
  /** Called once, when the store was seen to work. */
  readonly onSeen: () => void
}

const isUnavailable = (error: unknown) =>
  isAuthError(error) && error.code === 'ERR_STORE_UNAVAILABLE'

/**
 * Checks the store once. When it does not answer, it is asked again every second in the background
 * until it does.
 *
 * @throws What the store says when it can never work as it is configured, such as a wrong key.
 */
export async function waitForStore(options: WaitForStoreOptions): Promise<void> {
  const { store, logger, signal, onSeen } = options
  try {
    await store.check()
    onSeen()
    return
  } catch (error) {
    if (!isUnavailable(error)) throw error
    logger.warn({ err: error }, 'the store of Coda tokens does not answer; trying again')
  }

  async function retry(): Promise<void> {
    for (;;) {
      await pause(RETRY_MILLISECONDS, undefined, { signal, ref: false })
      try {
        await store.check()
        break
      } catch (error) {
        if (!isUnavailable(error)) throw error
      }
    }
    logger.info('the store of Coda tokens answers')
    onSeen()
  }
  retry().catch((error: unknown) => {
    if (!signal.aborted) logger.fatal({ err: error }, 'the store of Coda tokens cannot be used')
  })
}
