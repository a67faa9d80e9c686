import { BlockList, isIP, isIPv4 } from 'node:net'
import type { ConfigurationProblem } from '@bestviable/mcp-auth-middleware'
import { isAddressRange } from '../clients/public-address.js'

/**
 * Which proxies in front of the server are believed about whom they forward: how many there are, or
 * their addresses and CIDR ranges (`loopback`, `linklocal` and `uniquelocal` name the usual ones).
 */
export type TrustProxy = number | readonly string[]

/** Finds out who a request comes from. */
export interface AddressReader {
  /** The address of the client: the last one that no trusted proxy has. */
  read(peer: string | undefined, forwardedFor: string | readonly string[] | undefined): string
  /** Whether the peer is believed about whom it forwards. */
  isTrusted(peer: string | undefined): boolean
}

const MOST_PROXIES = 32
const NAMED_RANGES: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/** What is wrong with the option `trustProxy`. */
export function trustProxyProblems(trustProxy: unknown): ConfigurationProblem[] {
  const path = 'trustProxy'
  if (trustProxy === undefined) return []
  if (Array.isArray(trustProxy)) {
    const isKnown = (entry: unknown) =>
      isAddressRange(entry) || (typeof entry === 'string' && Object.hasOwn(NAMED_RANGES, entry))
    return trustProxy.flatMap((entry, index) =>
      isKnown(entry)
        ? []
        : [{ path: `${path}[${index}]`, message: 'must be an address or a CIDR range' }],
    )
  }
  const isCount = Number.isInteger(trustProxy) && Number(trustProxy) >= 0
  if (isCount && Number(trustProxy) <= MOST_PROXIES) return []
  // To believe everybody is to let everybody choose an address.
  const message = `must be the number of proxies in front, 0 to ${MOST_PROXIES}, or a list of addresses`
  return [{ path, message }]
}

/** The eight groups of an IPv6 address; `undefined` for anything else. */
function groupsOf(address: string): readonly number[] | undefined {
  if (isIP(address) !== 6) return undefined
  // The last 32 bits may be written as IPv4.
  const plain = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
    const pair = (high: string, low: string) => (Number(high) * 256 + Number(low)).toString(16)
    return `${pair(a, b)}:${pair(c, d)}`
  })
  const [head = '', tail] = plain.split('::')
  const parse = (text: string) =>
    text === '' ? [] : text.split(':').map((part) => parseInt(part, 16))
  const [left, right] = [parse(head), parse(tail ?? '')]
  const gap = tail === undefined ? 0 : 8 - left.length - right.length
  return [...left, ...Array.from({ length: gap }, () => 0), ...right]
}

/** IPv4 addresses that IPv6 carries: mapped (RFC 4291 section 2.5.5.2), and of NAT64 (RFC 6052). */
const CARRIERS = ['0:0:0:0:0:ffff', '64:ff9b:0:0:0:0']

/** Writes an address in one way: without zone, and as IPv4 where it is one. `undefined` for no address. */
export function canonicalAddress(text: string): string | undefined {
  const [address = ''] = text.trim().toLowerCase().split('%')
  if (isIPv4(address)) return address
  const groups = groupsOf(address)
  if (groups === undefined) return undefined
  const written = groups.map((group) => group.toString(16))
  if (!CARRIERS.includes(written.slice(0, 6).join(':'))) return written.join(':')
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 255])
    .join('.')
}

/** The network that one caller can choose addresses from: an IPv4 address, or an IPv6 /64. */
export function networkOf(address: string): string {
  const canonical = canonicalAddress(address)
  if (canonical === undefined || isIPv4(canonical)) return canonical ?? address
  return `${canonical.split(':').slice(0, 4).join(':')}::/64`
}

/** One entry of `X-Forwarded-For`; some proxies add the port. */
function parseEntry(text: string): string | undefined {
  const [, inBrackets, beforePort] =
    /^(?:\[([^\]]+)\](?::\d+)?|([\d.]+):\d+)$/.exec(text.trim()) ?? []
  return canonicalAddress(inBrackets ?? beforePort ?? text)
}

function trustedRanges(trust: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const range of trust.flatMap((entry) => NAMED_RANGES[entry] ?? [entry])) {
    const [network = '', prefix] = range.split('/')
    const family = isIPv4(network) ? 'ipv4' : 'ipv6'
    list.addSubnet(network, Number(prefix ?? (family === 'ipv4' ? 32 : 128)), family)
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}

/** Stands for a peer without an address, such as a proxy on a Unix socket. */
const LOCAL = 'local'

/**
 * Creates the reader. Without trusted proxies the address is that of the connection, whatever a header
 * says. `X-Forwarded-For` is read from its end, since a client writes its beginning; an entry that is no
 * address ends the search at the proxy that sent it.
 */
export function createAddressReader(trust: TrustProxy | undefined): AddressReader {
  const inRange = typeof trust === 'object' ? trustedRanges(trust) : undefined
  const trusts = (address: string, hop: number): boolean =>
    inRange === undefined ? hop < Number(trust ?? 0) : inRange(address)
  const peerOf = (peer: string | undefined) => canonicalAddress(peer ?? '') ?? LOCAL

  return {
    isTrusted: (peer) => trusts(peerOf(peer), 0),
    read(peer, forwardedFor) {
      let address = peerOf(peer)
      const entries = [forwardedFor ?? []].flat().join(',').split(',').reverse()
      for (const [hop, entry] of entries.entries()) {
        if (!trusts(address, hop)) break
        const next = parseEntry(entry)
        if (next === undefined) break
        address = next
      }
      return address
    },
  }
}
