import { describe, expect, it } from 'vitest'
import {
  createAddressRule,
  isAddressRange,
  isPublicAddress,
} from '../../src/clients/public-address.js'

describe('isAddressRange()', () => {
  it.each([
    '10.1.2.3',
    '10.1.0.0/16',
    '0.0.0.0/0',
    '10.1.2.3/32',
    '::1',
    '::1/128',
    'fd00::/8',
    'fd00::/33',
  ])('takes %s', (text) => {
    expect(isAddressRange(text)).toBe(true)
  })

  it.each([
    '',
    '/8',
    '10.1.2.3/',
    '10.1.2.3/33',
    '10.1.2.3/-1',
    '10.1.2.3/1e1',
    '10.1.2.3/x8',
    '10.1.2.3/8x',
    '10.1.2.3/0008',
    '10.1.2.3/8/8',
    '::1/129',
    'fe80::1%eth0',
    'fe80::1%eth0/64',
    'localhost',
    'localhost/8',
    7,
    undefined,
    ['10.1.2.3'],
  ])('refuses %j', (text) => {
    expect(isAddressRange(text)).toBe(false)
  })
})

describe('isPublicAddress()', () => {
  it.each(['2606:4700::1%eth0', '2606:4700::1', '64:ff9b::808:808', '64:ff9b::808:808%eth0'])(
    'takes %s only without a zone',
    (address) => {
      expect(isPublicAddress(address)).toBe(!address.includes('%'))
    },
  )
})

describe('createAddressRule()', () => {
  it('makes an exception of one address for itself alone', () => {
    const isAllowed = createAddressRule(['10.1.2.3', 'fd00::1', 'fe80::/10'])
    expect(['10.1.2.3', 'fd00::1', 'fe80::1'].filter(isAllowed)).toHaveLength(3)
    const others = ['10.1.2.2', '10.1.2.4', 'fd00::', 'fd00::2', 'fe80::1%eth0', '::ffff:10.1.2.4']
    expect(others.filter(isAllowed)).toEqual([])
  })

  it('leaves out what is no address or range', () => {
    const isAllowed = createAddressRule(['localhost', '10.1.2.3/33'])
    expect(['localhost', '10.1.2.3', '127.0.0.1', ''].filter(isAllowed)).toEqual([])
    expect(isAllowed('8.8.8.8')).toBe(true)
  })

  it('takes nothing but public addresses without exceptions', () => {
    const isAllowed = createAddressRule([])
    expect(['127.0.0.1', '::1', 'localhost', ''].filter(isAllowed)).toEqual([])
    expect(isAllowed('2606:4700::1')).toBe(true)
  })
})
