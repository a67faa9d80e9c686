import type { CredentialOwner } from '@bestviable/mcp-auth-middleware'

/** Owner of a user's upstream credentials: the same pair that a verified token of ours names. */
export function ownerOf(issuer: string, userId: string): CredentialOwner {
  return { kind: 'user', issuer, subject: userId }
}
