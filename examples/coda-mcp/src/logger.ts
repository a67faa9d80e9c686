import { type DestinationStream, type Logger, pino } from 'pino'

export type { Logger } from 'pino'

/** Names of headers that hold a credential, under whatever proxy; `Origin` and the like stay readable. */
const secretHeaders =
  /auth|cookie|token|secret|password|api-?key|assertion|jwt|dpop|session|^cf-access-/i
/** Headers that hold a URL, whose query may be a code or a token. */
const urlHeaders = /^(referer|x-(original|forwarded|rewrite)-(url|uri|path))$/i
const headerLength = 256

function loggable(name: string, value: string): string {
  if (secretHeaders.test(name)) return '[redacted]'
  const shown = urlHeaders.test(name) ? (value.split(/[?#]/, 1)[0] ?? '') : value
  return shown.slice(0, headerLength)
}

/** Headers as they may be logged: every value that can hold a credential is replaced, long ones are cut. */
export function redactHeaders(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, loggable(name, String(value))]),
  )
}

/**
 * Creates the log of the server: one JSON object per line, on standard output by default. Credentials
 * under their usual names are redacted even when an object is logged by mistake.
 */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { service: 'coda-mcp' },
    redact: {
      paths: ['token', 'apiToken', 'secret', '*.token', '*.apiToken', '*.secret'].concat(
        [
          '.authorization',
          '["proxy-authorization"]',
          '.cookie',
          '["set-cookie"]',
          '["x-api-key"]',
          '["cf-access-jwt-assertion"]',
        ].flatMap((name) => [`headers${name}`, `*.headers${name}`]),
      ),
      censor: '[redacted]',
    },
    serializers: {
      // Only what the code says; a cause may hold a request with its headers.
      err: (error: unknown) =>
        error instanceof Error
          ? { name: error.name, message: error.message, stack: error.stack }
          : { name: 'unknown' },
    },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}
