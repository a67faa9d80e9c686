/** What a process must never have (P05): as text, without stack. */
export interface UnhandledRecord {
  /** Errors that nobody caught, of promises too. */
  readonly errors: readonly string[]
  /** Warnings of Node.js and of libraries. */
  readonly warnings: readonly string[]
}

/**
 * Remembers unhandled errors and process warnings. It only looks on: an unhandled error still ends the
 * process, as it does without anybody watching.
 */
export function watchUnhandled(): { read(): UnhandledRecord } {
  const errors: string[] = []
  const warnings: string[] = []
  process.on('uncaughtExceptionMonitor', (error, origin) => {
    errors.push(`${origin}: ${error.name}: ${error.message}`)
  })
  process.on('warning', ({ name, message }) => {
    warnings.push(`${name}: ${message}`)
  })
  return { read: () => ({ errors: [...errors], warnings: [...warnings] }) }
}
