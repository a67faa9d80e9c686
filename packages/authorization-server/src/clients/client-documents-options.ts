import * as z from 'zod/mini'
import type { RedirectPolicy } from './client-policy.js'
import { isHostPattern } from './host-pattern.js'
import { parseOptions } from './parse-options.js'
import { isAddressRange } from './public-address.js'
import { type ResolveHost, resolveHost } from './resolve-host.js'

/** Options of `createClientDocuments`. */
export interface ClientDocumentsOptions {
  /** Which redirect URIs documents may have. Default: those of {@link RedirectPolicy}. */
  readonly redirectPolicy?: RedirectPolicy | undefined
  /** Hosts from which documents are taken; `*.` in front means any subdomain. Default: any host. */
  readonly allowHosts?: readonly string[] | undefined
  /** Ports that ids may have. Default 443. */
  readonly ports?: readonly number[] | undefined
  /** Fetches in 60 seconds, over all hosts. Default 120, at most 10,000. */
  readonly fetchesPerMinute?: number | undefined
  /** Fetches in 60 seconds from one host. Default 30, at most 10,000. */
  readonly fetchesPerHostPerMinute?: number | undefined
  /** Fetches at the same time. Default 20, at most 1000. */
  readonly fetchesAtOnce?: number | undefined
  /** Documents kept in memory. Default 1000, at most 100,000; all together at most 2 MiB. */
  readonly cacheEntries?: number | undefined
  /** Time for one document, in milliseconds. Default 3000, at most 10,000. */
  readonly deadlineMilliseconds?: number | undefined
  /** Certificate authorities in PEM, in place of those of Node.js. */
  readonly ca?: string | undefined
  /** Resolves host names. Default: the name servers of the machine, not its hosts file. */
  readonly lookup?: ResolveHost | undefined
  /**
   * Addresses or CIDR ranges that may be connected to although they are not public. Whoever can start a
   * sign-in can then make this server send a GET request there.
   */
  readonly dangerouslyAllowAddresses?: readonly string[] | undefined
  /** Current time in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

const isFunction = (value: unknown) => typeof value === 'function'
const whole = (maximum: number) => {
  const error = `must be a whole number from 1 to ${maximum}`
  return z.int({ error }).check(z.gte(1, { error }), z.lte(maximum, { error }))
}
const HOSTS_RULE = 'must be a list of hosts in lower case, "*." in front for subdomains'
const hosts = z.optional(
  z
    .array(z.custom<string>(isHostPattern, { error: HOSTS_RULE }), { error: HOSTS_RULE })
    .check(z.minLength(1, { error: 'must not be empty; leave it out to allow any host' })),
)
const PRIVATE_RULE = 'must be a list of whole URIs of app schemes, such as "com.example.app:/cb"'

/** Schema of {@link RedirectPolicy}. */
export const redirectPolicySchema = z.strictObject({
  privateUris: z.optional(
    z.array(
      z
        .string({ error: PRIVATE_RULE })
        .check(z.regex(/^[a-z][a-z0-9+.-]*:[!-~]+$/, { error: PRIVATE_RULE })),
      {
        error: PRIVATE_RULE,
      },
    ),
  ),
  hosts,
})

const ADDRESSES_RULE = 'must be a list of IP addresses or CIDR ranges'
/** What every function that fetches for clients takes. */
export const guardOptions = {
  deadlineMilliseconds: z._default(whole(10_000), 3000),
  ca: z.optional(z.string({ error: 'must be text: certificates in PEM' })),
  lookup: z._default(
    z.custom<ResolveHost>(isFunction, { error: 'must be a function' }),
    () => resolveHost,
  ),
  dangerouslyAllowAddresses: z._default(
    z.array(z.custom<string>(isAddressRange, { error: ADDRESSES_RULE }), { error: ADDRESSES_RULE }),
    [],
  ),
}

const Options = z.strictObject({
  ...guardOptions,
  redirectPolicy: z._default(redirectPolicySchema, {}),
  allowHosts: hosts,
  ports: z._default(
    z.array(whole(65_535)).check(z.minLength(1, { error: 'must not be empty' })),
    [443],
  ),
  fetchesPerMinute: z._default(whole(10_000), 120),
  fetchesPerHostPerMinute: z._default(whole(10_000), 30),
  fetchesAtOnce: z._default(whole(1000), 20),
  cacheEntries: z._default(whole(100_000), 1000),
  now: z._default(
    z.custom<() => number>(isFunction, { error: 'must be a function' }),
    () => Date.now,
  ),
})

/** Checked options. */
export type ParsedClientDocumentsOptions = z.infer<typeof Options>

/** Validates the options of `createClientDocuments`. */
export function parseClientDocumentsOptions(options: unknown): ParsedClientDocumentsOptions {
  return parseOptions('createClientDocuments', Options, options)
}
