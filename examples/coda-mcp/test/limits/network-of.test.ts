import { describe, expect, it } from 'vitest'
import { networkOf } from '../../src/limits/network-of.js'

describe('networkOf()', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:c000:0207', '192.0.2.7'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:0:0:ffff:1:2:3', '2001:db8:0:0::/64'],
    ['2001:0DB8:0000:0001::1', '2001:db8:0:1::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('A57 counts %s as %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })

  it('tells neighbours apart', () => {
    expect(networkOf('192.0.2.8')).not.toBe(networkOf('192.0.2.7'))
    expect(networkOf('2001:db8:0:1::1')).not.toBe(networkOf('2001:db8::1'))
  })

  it.each([undefined, '', 'canary', '192.0.2.7:80', '1.2.3'])(
    'counts everything else as one: %s',
    (text) => {
      expect(networkOf(text)).toBe('unknown')
    },
  )
})
