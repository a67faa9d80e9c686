import { createHash } from 'node:crypto'

/** Names a grant without its id: SHA-256 of the id, in hex, so that it can be typed as an argument. */
export function grantKeyOf(grantId: string): string {
  return createHash('sha256').update(grantId).digest('hex')
}
