import { CodaReplyError } from './coda-reply.js'

/** Query of a list request after its token was resolved. */
export interface ListQuery {
  readonly parameters: Readonly<Record<string, string>>
  readonly limit: number
  readonly offset: number
}

const defaultLimit = 25
const largestLimit = 200

function decode(token: string): Record<string, string> {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, String(part)]))
    }
  } catch {
    // Falls through to the refusal.
  }
  throw new CodaReplyError(400, 'Invalid page token.')
}

/** Reads the query of a list; with a page token all other parameters are ignored. */
export function readListQuery(parameters: Readonly<Record<string, string>>): ListQuery {
  const { pageToken } = parameters
  const { offset = '0', ...effective } = pageToken === undefined ? parameters : decode(pageToken)
  const limit = Math.min(largestLimit, Number(effective.limit ?? defaultLimit))
  return { parameters: effective, limit, offset: Number(offset) }
}

/** One page of a list, in Coda's shape. */
export function formatList<Item>(
  items: readonly Item[],
  query: ListQuery,
  href: string,
): Record<string, unknown> {
  const end = query.offset + query.limit
  const page = { items: items.slice(query.offset, end), href }
  if (end >= items.length) return page
  const state = JSON.stringify({ ...query.parameters, offset: end })
  const nextPageToken = Buffer.from(state).toString('base64url')
  return { ...page, nextPageToken, nextPageLink: `${href}?pageToken=${nextPageToken}` }
}
