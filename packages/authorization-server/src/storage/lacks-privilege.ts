import { isAuthError } from '@bestviable/mcp-auth-middleware'

/** Whether the database refused a statement for the rights of its role (PostgreSQL, appendix A). */
export function lacksPrivilege(error: unknown): boolean {
  const cause: unknown = isAuthError(error) ? error.cause : undefined
  return Reflect.get(Object(cause), 'code') === '42501'
}
