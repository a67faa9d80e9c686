import { BlockList, isIP, isIPv4 } from 'node:net'

type Range = readonly [network: string, prefix: number]

/**
 * IPv4 ranges that are no public hosts: RFC 6890 and the IANA special-purpose registry, multicast and
 * the reserved top.
 */
const SPECIAL_IPV4: readonly Range[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
]

/** Parts of the global unicast space that are no public hosts, or that carry an IPv4 address. */
const SPECIAL_IPV6: readonly Range[] = [
  ['2001::', 23], // IETF protocols, among them Teredo and ORCHID
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4
  ['3fff::', 20], // documentation
]

const GLOBAL_UNICAST: Range = ['2000::', 3]
// DNS64 networks give public IPv4 hosts such an address, so it is judged by the address inside.
const NAT64_PREFIX = '64:ff9b::'
const NAT64_LENGTH = 96

function publicAddresses(): BlockList {
  const list = new BlockList()
  list.addSubnet(...GLOBAL_UNICAST, 'ipv6')
  list.addSubnet(NAT64_PREFIX, NAT64_LENGTH, 'ipv6')
  return list
}

function specialAddresses(): BlockList {
  const list = new BlockList()
  for (const [network, prefix] of SPECIAL_IPV4) {
    list.addSubnet(network, prefix, 'ipv4')
    list.addSubnet(NAT64_PREFIX + network, NAT64_LENGTH + prefix, 'ipv6')
  }
  for (const range of SPECIAL_IPV6) list.addSubnet(...range, 'ipv6')
  return list
}

const PUBLIC_IPV6 = publicAddresses()
const SPECIAL = specialAddresses()

/**
 * Tells whether an IP address is a host on the public internet. IPv6 is allowed by range and not
 * refused by range, so mapped, compatible, local and unassigned forms are not public. Resolves no name:
 * anything but an address is not public either.
 *
 * @see RFC 6890 - Special-purpose IP address registries
 */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !SPECIAL.check(address, 'ipv4')
  // A zone such as "%eth0" names an interface of this machine.
  if (isIP(address) === 0 || address.includes('%')) return false
  return PUBLIC_IPV6.check(address, 'ipv6') && !SPECIAL.check(address, 'ipv6')
}

/** Parses `10.1.2.3` or `10.1.0.0/16`; `undefined` for anything else. */
function parseRange(text: string): Range | undefined {
  const [network = '', prefix, ...rest] = text.split('/')
  const family = isIP(network)
  const longest = family === 4 ? 32 : 128
  if (family === 0 || network.includes('%') || rest.length > 0) return undefined
  if (prefix === undefined) return [network, longest]
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= longest
    ? [network, Number(prefix)]
    : undefined
}

/** Tells whether text is an address or a range in CIDR notation. */
export function isAddressRange(text: unknown): text is string {
  return typeof text === 'string' && parseRange(text) !== undefined
}

/** Creates the rule for addresses that may be connected to: public ones, and `exceptions`. */
export function createAddressRule(exceptions: readonly string[]): (address: string) => boolean {
  const allowed = new BlockList()
  for (const text of exceptions) {
    const range = parseRange(text)
    if (range !== undefined) allowed.addSubnet(...range, isIPv4(range[0]) ? 'ipv4' : 'ipv6')
  }
  return (address) => {
    if (isPublicAddress(address)) return true
    if (exceptions.length === 0 || isIP(address) === 0 || address.includes('%')) return false
    return allowed.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
  }
}
