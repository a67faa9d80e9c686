import { describe, expect, it } from 'vitest'
import {
  canonicalAddress,
  createAddressReader,
  networkOf,
  trustProxyProblems,
} from '../../src/limits/client-address.js'

const CLIENT = '198.51.100.9'

describe('canonicalAddress()', () => {
  it.each([
    ['1.2.3.4', '1.2.3.4'],
    [' 1.2.3.4 ', '1.2.3.4'],
    ['::', '0:0:0:0:0:0:0:0'],
    ['::1', '0:0:0:0:0:0:0:1'],
    ['1::', '1:0:0:0:0:0:0:0'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['1:2::7:8', '1:2:0:0:0:0:7:8'],
    ['ABCD::EF01', 'abcd:0:0:0:0:0:0:ef01'],
    ['fe80::1%eth0', 'fe80:0:0:0:0:0:0:1'],
    ['2001:db8::1.2.3.4', '2001:db8:0:0:0:0:102:304'],
    ['2001:db8::10.20.30.255', '2001:db8:0:0:0:0:a14:1eff'],
    ['1:2:3:4:5:6:255.254.1.0', '1:2:3:4:5:6:fffe:100'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['::ffff:ff00:1', '255.0.0.1'],
    ['64:ff9b::1.2.3.4', '1.2.3.4'],
    ['64:ff9b:0:0:0:1:102:304', '64:ff9b:0:0:0:1:102:304'],
    ['::1.2.3.4', '0:0:0:0:0:0:102:304'],
  ])('writes %j as %s', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical)
  })
})

describe('networkOf()', () => {
  it('keeps a text that is no address, so that such callers share its limit', () => {
    expect(networkOf('local')).toBe('local')
    expect(networkOf(' 1.2.3.4')).toBe('1.2.3.4')
    expect(networkOf('1:2:3:4:5:6:7:8')).toBe('1:2:3:4::/64')
  })
})

describe('createAddressReader()', () => {
  it.each([
    ['an address with a port', '1.2.3.4:5', '1.2.3.4'],
    ['an address with a long port', '1.2.3.4:65535', '1.2.3.4'],
    ['brackets', '[2001:db8::1]', '2001:db8:0:0:0:0:0:1'],
    ['brackets and a port', ' [2001:db8::1]:443 ', '2001:db8:0:0:0:0:0:1'],
    ['blanks', ' 1.2.3.4 ', '1.2.3.4'],
    ['blanks and a port', ' 1.2.3.4:80 ', '1.2.3.4'],
    ['a zone', 'fe80::1%eth0', 'fe80:0:0:0:0:0:0:1'],
  ])('A57 reads an entry with %s', (_, entry, address) => {
    expect(createAddressReader(1).read('10.0.0.1', entry)).toBe(address)
  })

  it.each([
    'x[2001:db8::1]',
    '[2001:db8::1]x',
    '[2001:db8::1]:x',
    '[2001:db8::1]:',
    '[]:80',
    'x1.2.3.4:80',
    '1.2.3.4:80x',
    '1.2.3.4:',
    '1.2.3.4:x',
    '1.2.3:80',
    'localhost:80',
  ])('A57 stops at the proxy before the entry %j', (entry) => {
    expect(createAddressReader(1).read('10.0.0.1', entry)).toBe('10.0.0.1')
    expect(createAddressReader(2).read('10.0.0.1', `${CLIENT}, ${entry}`)).toBe('10.0.0.1')
  })

  it('A57 stops at a number of proxies, whatever comes before', () => {
    const header = `4.4.4.4, 3.3.3.3, 2.2.2.2`
    const read = (trust: number) => createAddressReader(trust).read('1.1.1.1', header)
    expect([0, 1, 2, 3, 4].map(read)).toEqual([
      '1.1.1.1',
      '2.2.2.2',
      '3.3.3.3',
      '4.4.4.4',
      '4.4.4.4',
    ])
  })

  it.each([
    ['loopback', ['127.0.0.1', '127.255.0.1', '::1'], ['126.0.0.1', '::2']],
    ['linklocal', ['169.254.1.1', 'fe80::1', 'febf::1'], ['169.253.1.1', 'fec0::1']],
    [
      'uniquelocal',
      ['10.1.1.1', '172.16.1.1', '172.31.1.1', '192.168.1.1', 'fc00::1', 'fdff::1'],
      ['11.1.1.1', '172.32.1.1', '192.169.1.1', 'fe00::1'],
    ],
    ['10.1.2.3', ['10.1.2.3', '::ffff:10.1.2.3'], ['10.1.2.2', '10.1.2.4']],
    ['fd00::1', ['fd00::1'], ['fd00::2', 'fd00::']],
    ['fd00::/120', ['fd00::ff'], ['fd00::100']],
  ])('trusts the proxies of %s, and none beside them', (range, trusted, others) => {
    const reader = createAddressReader([range])
    expect(trusted.filter((each) => !reader.isTrusted(each))).toEqual([])
    expect([...others, 'local', '', undefined].filter(reader.isTrusted)).toEqual([])
    for (const each of trusted) expect(reader.read(each, CLIENT)).toBe(CLIENT)
  })

  it('trusts a peer without an address by number only', () => {
    expect(createAddressReader(1).isTrusted(undefined)).toBe(true)
    expect(createAddressReader(0).isTrusted(undefined)).toBe(false)
    expect(createAddressReader(['loopback']).read(undefined, CLIENT)).toBe('local')
    expect(createAddressReader([]).read('127.0.0.1', CLIENT)).toBe('127.0.0.1')
  })
})

describe('the option trustProxy', () => {
  const NUMBER = 'must be the number of proxies in front, 0 to 32, or a list of addresses'

  it.each([32, 1, [], ['linklocal', 'fd00::1', '10.1.2.3/32']])('takes %j', (value) => {
    expect(trustProxyProblems(value)).toEqual([])
  })

  it.each([
    [33, 'trustProxy', NUMBER],
    ['2', 'trustProxy', NUMBER],
    [null, 'trustProxy', NUMBER],
    [Number.NaN, 'trustProxy', NUMBER],
    [['10.1.2.3', 7], 'trustProxy[1]', 'must be an address or a CIDR range'],
    [[['loopback']], 'trustProxy[0]', 'must be an address or a CIDR range'],
    [['10.1.2.3/8/8'], 'trustProxy[0]', 'must be an address or a CIDR range'],
  ])('refuses %j at %s', (value, path, message) => {
    expect(trustProxyProblems(value)).toEqual([{ path, message }])
  })
})
