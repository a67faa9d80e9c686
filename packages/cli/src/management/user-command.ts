import type { UserProfile } from '@bestviable/mcp-authorization-server/management'

/** The argument that names a user. */
export const USER_ARGUMENT = {
  name: '<user>',
  description: 'id, or e-mail where that names one user only',
} as const

/** What is refused about a user, in the words of the command line. */
export const USER_NAMES = { user: '<user>' } as const

/** One line about a user. */
export function describeUser({ userId, email, status, role }: UserProfile): string {
  return `${email ?? userId}: ${status}, ${role}${email === undefined ? '' : ` (${userId})`}`
}
