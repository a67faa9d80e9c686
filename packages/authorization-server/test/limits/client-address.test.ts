import { describe, expect, it } from 'vitest'
import {
  canonicalAddress,
  createAddressReader,
  networkOf,
  trustProxyProblems,
} from '../../src/limits/client-address.js'

describe('networkOf()', () => {
  it.each([
    ['IPv4 as it is', '203.0.113.7', '203.0.113.7'],
    ['a mapped address as IPv4', '::ffff:203.0.113.7', '203.0.113.7'],
    ['a mapped address in hexadecimal as IPv4', '::FFFF:cb00:7107', '203.0.113.7'],
    ['a mapped address with all its zeros as IPv4', '0:0:0:0:0:ffff:cb00:7107', '203.0.113.7'],
    ['an address of NAT64 as IPv4', '64:ff9b::203.0.113.7', '203.0.113.7'],
    ['IPv6 by its /64', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['IPv6 with leading zeros alike', '2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
    ['a shortened IPv6 alike', '2001:db8::9', '2001:db8:0:0::/64'],
    ['loopback', '::1', '0:0:0:0::/64'],
    ['a link-local address without its zone', 'fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('A57 takes %s', (_, address, network) => {
    expect(networkOf(address)).toBe(network)
  })

  it('A57 tells the nearest neighbours apart', () => {
    expect(networkOf('2001:db8:1:3::1')).not.toBe(networkOf('2001:db8:1:2::1'))
    expect(networkOf('203.0.113.8')).not.toBe(networkOf('203.0.113.7'))
    // One bit off the prefix of mapped addresses: an IPv6 address like any other.
    expect(networkOf('::fffe:203.0.113.7')).toBe('0:0:0:0::/64')
  })

  it.each(['', 'unknown', '1.2.3', '1.2.3.4.5', '256.1.1.1', '_hidden', ':::'])(
    'takes %j for no address',
    (text) => expect(canonicalAddress(text)).toBeUndefined(),
  )
})

describe('createAddressReader()', () => {
  const CLIENT = '198.51.100.9'

  it.each([
    ['no proxy trusted', undefined, '10.0.0.1', CLIENT, '10.0.0.1'],
    ['none trusted by number', 0, '10.0.0.1', CLIENT, '10.0.0.1'],
    ['no header', 1, '10.0.0.1', undefined, '10.0.0.1'],
    ['one proxy', 1, '10.0.0.1', CLIENT, CLIENT],
    ['one proxy, and what the client wrote', 1, '10.0.0.1', `1.1.1.1, ${CLIENT}`, CLIENT],
    ['two proxies', 2, '10.0.0.1', `1.1.1.1, ${CLIENT}, 10.0.0.2`, CLIENT],
    ['more proxies than there are', 3, '10.0.0.1', CLIENT, CLIENT],
    ['a listed proxy', ['10.0.0.1'], '10.0.0.1', CLIENT, CLIENT],
    ['another proxy than listed', ['10.0.0.2'], '10.0.0.1', CLIENT, '10.0.0.1'],
    ['a range', ['10.0.0.0/8'], '10.9.9.9', `1.1.1.1, ${CLIENT}, 10.2.2.2`, CLIENT],
    ['a named range', ['loopback'], '::1', CLIENT, CLIENT],
    ['a mapped proxy', ['10.0.0.0/8'], '::ffff:10.0.0.1', CLIENT, CLIENT],
    ['an IPv6 proxy', ['fd00::/8'], 'fd00::1', '2001:db8::1', '2001:db8:0:0:0:0:0:1'],
    ['a port', 1, '10.0.0.1', `${CLIENT}:4711`, CLIENT],
    ['IPv6 with a port', 1, '10.0.0.1', '[2001:db8::1]:443', '2001:db8:0:0:0:0:0:1'],
    ['an entry that is no address', 1, '10.0.0.1', 'unknown', '10.0.0.1'],
    ['an empty header', 1, '10.0.0.1', '', '10.0.0.1'],
    ['several headers', 1, '10.0.0.1', ['1.1.1.1', CLIENT], CLIENT],
    ['a socket without an address', 1, undefined, CLIENT, CLIENT],
    ['a socket without an address that is not trusted', undefined, undefined, CLIENT, 'local'],
  ])('with %s', (_, trust, peer, header, address) => {
    expect(createAddressReader(trust).read(peer, header)).toBe(address)
  })

  it('tells whether the peer is trusted', () => {
    expect(createAddressReader(1).isTrusted('10.0.0.1')).toBe(true)
    expect(createAddressReader(['10.0.0.0/8']).isTrusted('11.0.0.1')).toBe(false)
    expect(createAddressReader(undefined).isTrusted('127.0.0.1')).toBe(false)
  })
})

describe('the option trustProxy', () => {
  it.each([
    ['nothing', undefined],
    ['a number', 2],
    ['zero', 0],
    ['a list', ['10.0.0.0/8', '::1', 'loopback', 'uniquelocal']],
  ])('takes %s', (_, value) => expect(trustProxyProblems(value)).toEqual([]))

  it.each([
    ['everybody', true, 'trustProxy'],
    ['a fraction', 1.5, 'trustProxy'],
    ['a negative number', -1, 'trustProxy'],
    ['more than 32', 33, 'trustProxy'],
    ['text', 'loopback', 'trustProxy'],
    ['a host name', ['loopback', 'proxy.internal'], 'trustProxy[1]'],
    ['a range too long', ['10.0.0.0/33'], 'trustProxy[0]'],
    ['a name that objects inherit', ['constructor'], 'trustProxy[0]'],
  ])('refuses %s', (_, value, path) => {
    expect(trustProxyProblems(value).map((problem) => problem.path)).toEqual([path])
  })
})
