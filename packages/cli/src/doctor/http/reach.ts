import { lookup } from 'node:dns/promises'
import { isPublicAddress } from '@bestviable/mcp-authorization-server/management'
import { isInternal, mayAsk } from './addresses.js'

/** Resolves a host name to all of its addresses. Rejects, or resolves to none, when it has none. */
export type ResolveHost = (hostname: string) => Promise<readonly string[]>

/** Decides before each request whether it may be sent. Made by {@link createReach}. */
export type Reach = (url: URL) => Promise<boolean>

/** Resolves as the `fetch` of Node does, so that both see the same addresses. */
export const resolveBySystem: ResolveHost = async (hostname) => {
  const found = await lookup(hostname, { all: true })
  return found.map(({ address }) => address)
}

/**
 * Creates the rule for the requests of one run. The URL that a person typed may be asked wherever it is.
 * Where that is public, every other host has to be, by its name and by each of its addresses: one address
 * of an inner network refuses all of them.
 *
 * @param resolve - `undefined` where requests do not go where names resolve to.
 */
export function createReach(target: URL, resolve: ResolveHost | undefined): Reach {
  // A name without an address leads nowhere, and the request itself says so.
  const addressesOf = async ({ hostname }: URL): Promise<readonly string[]> =>
    (await resolve?.(hostname.replace(/^\[|\]$/g, '')).catch(() => [])) ?? []

  async function isInside(): Promise<boolean> {
    if (isInternal(target.hostname)) return true
    const addresses = await addressesOf(target)
    // One public address is enough to be on the internet, and then to be nobody's own network.
    return addresses.length > 0 && !addresses.some(isPublicAddress)
  }

  let inside: Promise<boolean> | undefined
  return async (url) => {
    if (url.origin === target.origin) return true
    inside ??= isInside()
    if (await inside) return true
    if (!mayAsk(url, target)) return false
    return (await addressesOf(url)).every(isPublicAddress)
  }
}
