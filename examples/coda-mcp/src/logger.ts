import { type DestinationStream, type Logger, pino } from 'pino'

export type { Logger } from 'pino'

const secretHeaders =
  /^(authorization|proxy-authorization|cookie|set-cookie|x-api-key|cf-access-.*)$/i

/** Headers as they may be logged: every value that can hold a credential is replaced. */
export function redactHeaders(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      secretHeaders.test(name) ? '[redacted]' : value,
    ]),
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
        ['authorization', 'cookie', '["set-cookie"]', '["cf-access-jwt-assertion"]'].flatMap(
          (name) => {
            const dotted = name.startsWith('[') ? name : `.${name}`
            return [`headers${dotted}`, `*.headers${dotted}`]
          },
        ),
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
