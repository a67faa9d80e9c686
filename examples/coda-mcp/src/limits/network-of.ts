import { isIPv4, isIPv6 } from 'node:net'

/** The eight groups of an IPv6 address, as it is written in a URL. */
function groupsOf(address: string): readonly string[] {
  const plain = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = plain.split('::')
  const split = (text: string): string[] => (text === '' ? [] : text.split(':'))
  const [left, right] = [split(head), split(tail ?? '')]
  const gap = tail === undefined ? 0 : 8 - left.length - right.length
  return [...left, ...Array.from({ length: gap }, () => '0'), ...right]
}

/**
 * The network that one caller can choose addresses from: an IPv4 address, also where IPv6 carries it, or
 * an IPv6 /64. What is no address counts as one network.
 */
export function networkOf(text: string | undefined): string {
  const [address = ''] = (text ?? '').split('%')
  if (isIPv4(address)) return address
  if (!isIPv6(address)) return 'unknown'
  const groups = groupsOf(address)
  if (groups.slice(0, 6).join(':') !== '0:0:0:0:0:ffff') {
    return `${groups.slice(0, 4).join(':')}::/64`
  }
  return groups
    .slice(6)
    .flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255])
    .join('.')
}
