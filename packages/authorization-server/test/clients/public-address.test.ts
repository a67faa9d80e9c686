import { describe, expect, it } from 'vitest'
import { createAddressRule, isPublicAddress } from '../../src/clients/public-address.js'

const mapped = (address: string) => [`::ffff:${address}`, `64:ff9b::${address}`, `::${address}`]

const SPECIAL = [
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.0',
  '10.255.255.255',
  '100.64.0.0',
  '100.127.255.255',
  '127.0.0.1',
  '127.255.255.255',
  '169.254.169.254',
  '172.16.0.0',
  '172.31.255.255',
  '192.0.0.1',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.0.0',
  '192.168.255.255',
  '198.18.0.0',
  '198.19.255.255',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
]
const SPECIAL_IPV6 = [
  '::',
  '::1',
  '::ffff:8.8.8.8',
  '::ffff:0:8.8.8.8',
  '::8.8.8.8',
  '64:ff9b:1::8.8.8.8',
  '100::1',
  '2001::1',
  '2001:0:808:808::1',
  '2001:2::1',
  '2001:10::1',
  '2001:20::1',
  '2001:db8::1',
  '2002:7f00:1::1',
  '2002:808:808::1',
  '3fff::1',
  '4000::1',
  '5f00::1',
  'fc00::1',
  'fdff:ffff::1',
  'fe80::1',
  'fe80::1%lo',
  '2606:4700::1%eth0',
  'febf::1',
  'fec0::1',
  'ff02::1',
  'ffff::',
]
const PUBLIC = [
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
  '169.253.255.255',
  '169.255.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '2001:200::1',
  '2001:4860:4860::8888',
  '2606:4700::1111',
  '2a00::1',
  '3ffe::1',
  '64:ff9b::8.8.8.8',
]

describe('isPublicAddress()', () => {
  it.each([...SPECIAL, ...SPECIAL.flatMap(mapped), ...SPECIAL_IPV6])(
    'M02 refuses %s',
    (address) => {
      expect(isPublicAddress(address)).toBe(false)
    },
  )

  it.each(PUBLIC)('M02 takes its neighbour %s', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })

  it.each([
    '',
    'localhost',
    '127.1',
    '0177.0.0.1',
    '2130706433',
    '0x7f000001',
    '8.8.8.8/32',
    '[::1]',
  ])('M02 refuses %j, which is no address', (text) => {
    expect(isPublicAddress(text)).toBe(false)
  })
})

describe('createAddressRule()', () => {
  it('adds exceptions to the public addresses, and nothing beside them', () => {
    const isAllowed = createAddressRule(['127.0.0.1', '10.1.0.0/16', 'fd00::/8'])
    for (const address of ['8.8.8.8', '127.0.0.1', '10.1.255.1', 'fd12::1']) {
      expect(isAllowed(address)).toBe(true)
    }
    for (const address of ['127.0.0.2', '10.2.0.0', '10.0.255.255', 'fc00::1', '::1', '']) {
      expect(isAllowed(address)).toBe(false)
    }
  })
})
