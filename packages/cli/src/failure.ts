import { type AuthErrorCode, isAuthError } from '@bestviable/mcp-auth-middleware'
import { EXIT_CODES, type ExitCode, type ExitReason } from './exit-codes.js'

/** A command ends early for a reason that is no fault of the program. The message is shown as it is. */
export class CommandFailure extends Error {
  readonly reason: ExitReason

  constructor(reason: ExitReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CommandFailure'
    this.reason = reason
  }
}

const REASONS: Readonly<Record<AuthErrorCode, ExitReason>> = {
  ERR_CONFIGURATION: 'configuration',
  ERR_ISSUER_UNAVAILABLE: 'unavailable',
  ERR_CREDENTIAL_REQUIRED: 'refused',
  ERR_STORE_UNAVAILABLE: 'unavailable',
  ERR_STORE_INTEGRITY: 'integrity',
  ERR_STORE_CONFLICT: 'refused',
  ERR_STORE_INVALID: 'refused',
  ERR_STORE_UNSUPPORTED: 'refused',
}

/** Tells why an error ends the process. */
export function exitReasonOf(error: unknown): ExitReason {
  if (error instanceof CommandFailure) return error.reason
  if (isAuthError(error)) return REASONS[error.code]
  return 'unexpected'
}

/** Tells the exit code of an error. */
export function exitCodeOf(error: unknown): ExitCode {
  return EXIT_CODES[exitReasonOf(error)]
}

function codeOf(error: Error): string | undefined {
  const code: unknown = Reflect.get(error, 'code')
  return typeof code === 'string' && /^\w{1,40}$/.test(code) ? code : undefined
}

/** What a person reads about an error. An unexpected one may quote anything, so it is only named. */
export function formatFailure(error: unknown): string {
  if (error instanceof CommandFailure) return error.message
  if (isAuthError(error)) {
    return error.code === 'ERR_CONFIGURATION' ? error.message : `${error.message} (${error.code})`
  }
  const name = error instanceof Error ? error.constructor.name : typeof error
  return `unexpected ${name}; run again with --debug and report what it prints`
}

/**
 * The chain of causes for `--debug`. Messages of foreign errors are left out, because database drivers
 * and HTTP clients quote values in them; their class, code and stack frames are enough to find them.
 */
export function formatCauses(error: unknown): readonly string[] {
  const lines: string[] = []
  let current = error
  for (let depth = 0; depth < 8 && current instanceof Error; depth++) {
    const code = codeOf(current)
    const own = current instanceof CommandFailure || isAuthError(current)
    const title = `${current.constructor.name}${code === undefined ? '' : ` ${code}`}`
    lines.push(
      `${depth === 0 ? 'error' : 'caused by'}: ${title}${own ? `: ${current.message}` : ''}`,
    )
    const frames = (current.stack ?? '').split('\n').filter((line) => /^ {4}at /.test(line))
    lines.push(...frames.slice(0, 8))
    current = current.cause
  }
  return lines
}
