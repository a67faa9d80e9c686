import { principalOf } from '@bestviable/mcp-auth-middleware'
import type { Caller } from './request-log.js'

/** The verified caller of a request, or `undefined` when it was refused or needs none. */
export function callerOf(request: object): Caller | undefined {
  const authInfo: unknown = Reflect.get(request, 'auth')
  return principalOf(authInfo as Parameters<typeof principalOf>[0])
}
