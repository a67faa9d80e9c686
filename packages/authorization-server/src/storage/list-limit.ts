import { StoreInvalidError } from '@bestviable/mcp-auth-middleware'

const DEFAULT = 100
const MAXIMUM = 1000

/** How many rows a page has: 1 to 1,000, by default 100. */
export function limitOf(limit: number = DEFAULT): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAXIMUM) return limit
  throw new StoreInvalidError(`limit must be a whole number from 1 to ${MAXIMUM}`)
}
