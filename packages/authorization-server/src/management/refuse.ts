import { ConfigurationError } from '@bestviable/mcp-auth-middleware'

const SHOWN = 200

/** What a message may repeat of a value from outside. */
export function quote(text: string): string {
  return JSON.stringify(text.slice(0, SHOWN))
}

/**
 * Refuses one argument of a management method.
 *
 * @throws ConfigurationError that names it.
 */
export function refuseArgument(method: string, path: string, message: string): never {
  throw new ConfigurationError(method, [{ path, message }])
}
