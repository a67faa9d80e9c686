import { Resolver } from 'node:dns/promises'
import { isIP } from 'node:net'
import { FetchFailure } from './fetch-failure.js'

/** Resolves a host name to IP addresses. Rejects, or resolves to none, when it has none. */
export type ResolveHost = (hostname: string) => Promise<readonly string[]>

const TIMEOUT_MILLISECONDS = 600
const TRIES = 2
const MAX_ADDRESSES = 8

/**
 * Resolves through the name servers of this machine. Not through `getaddrinfo`: that would occupy the
 * thread pool, where a few slow names of an attacker stop files and passwords too, and would read the
 * hosts file.
 */
export const resolveHost: ResolveHost = async (hostname) => {
  const resolver = new Resolver({ timeout: TIMEOUT_MILLISECONDS, tries: TRIES })
  const answers = await Promise.allSettled([
    resolver.resolve4(hostname),
    resolver.resolve6(hostname),
  ])
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
}

/**
 * Resolves a host to the addresses that may be connected to. One address that may not refuses all: a
 * name with a public and a private address is an attack or a mistake.
 *
 * @throws FetchFailure when there is none.
 */
export async function resolveAllowed(
  hostname: string,
  resolve: ResolveHost,
  isAllowed: (address: string) => boolean,
): Promise<readonly string[]> {
  const literal = hostname.replace(/^\[|\]$/g, '')
  let addresses: readonly string[]
  try {
    addresses = isIP(literal) === 0 ? await resolve(hostname) : [literal]
  } catch (cause) {
    throw new FetchFailure('unavailable', 'host_not_resolved', { cause })
  }
  if (addresses.length === 0) throw new FetchFailure('unavailable', 'host_not_resolved')
  if (!addresses.every(isAllowed)) throw new FetchFailure('invalid', 'address_not_public')
  return addresses.slice(0, MAX_ADDRESSES)
}
