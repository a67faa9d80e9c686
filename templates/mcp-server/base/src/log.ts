import type { AuthEvent } from '@bestviable/mcp-auth-middleware'

/** Writes one line of JSON. The events of the auth packages never hold a credential. */
export function log(event: object): void {
  console.log(JSON.stringify(event))
}

/** Logs who was refused and why, and incidents such as keys that cannot be fetched. */
export function logAuth(event: AuthEvent): void {
  if (event.type === 'incident' || event.outcome !== 'accepted') log(event)
}
