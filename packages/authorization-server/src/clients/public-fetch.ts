import * as z from 'zod/mini'
import { guardOptions } from './client-documents-options.js'
import { guardedRequest } from './guarded-request.js'
import { parseOptions } from './parse-options.js'
import { createAddressRule } from './public-address.js'
import type { ResolveHost } from './resolve-host.js'

/** Options of {@link createPublicFetch}. */
export interface PublicFetchOptions {
  /** Of an answer, in bytes. Default 65,536. */
  readonly limit?: number | undefined
  /** Time for one answer, in milliseconds. Default 3000, at most 10,000. */
  readonly deadlineMilliseconds?: number | undefined
  /** Certificate authorities in PEM, in place of those of Node.js. */
  readonly ca?: string | undefined
  /** Resolves host names. Default: the name servers of the machine. */
  readonly lookup?: ResolveHost | undefined
  /** Addresses or CIDR ranges that may be connected to although they are not public. */
  readonly dangerouslyAllowAddresses?: readonly string[] | undefined
}

/** A `fetch` for URLs that clients chose. */
export type PublicFetch = (
  input: string | URL,
  init?: { readonly method?: string | undefined; readonly signal?: AbortSignal | null | undefined },
) => Promise<Response>

const Options = z.strictObject({
  limit: z._default(z.int().check(z.gte(1), z.lte(1024 * 1024)), 65_536),
  ...guardOptions,
})
const never = new AbortController().signal

/**
 * Creates a `fetch` for the `jwks_uri` of clients: GET over https, from public addresses only, without
 * redirects, proxies, cookies or any header of the caller. The body of an answer other than 200 is not
 * read.
 *
 * @throws {@link ConfigurationError} at once, when an option is malformed. The `fetch` itself rejects
 * with a TypeError for other methods and URLs, and with an error that holds no text of the other side.
 */
export function createPublicFetch(options: PublicFetchOptions = {}): PublicFetch {
  const settings = parseOptions('createPublicFetch', Options, options)
  const guard = {
    resolve: settings.lookup,
    isAllowed: createAddressRule(settings.dangerouslyAllowAddresses),
    ca: settings.ca,
    deadlineMilliseconds: settings.deadlineMilliseconds,
    limit: settings.limit,
  }
  return async (input, init = {}) => {
    const url = new URL(input)
    if ((init.method ?? 'GET') !== 'GET') throw new TypeError('only GET is supported')
    if (url.protocol !== 'https:' || url.username !== '' || url.password !== '') {
      throw new TypeError('only https URLs without a user name are supported')
    }
    const { status, headers, body } = await guardedRequest(url, guard, init.signal ?? never)
    const type = headers['content-type']
    return new Response(status === 200 ? body : null, {
      status,
      headers: type === undefined ? {} : { 'content-type': type },
    })
  }
}
