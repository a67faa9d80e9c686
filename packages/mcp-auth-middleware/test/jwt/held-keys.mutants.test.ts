import { beforeAll, describe, expect, it } from 'vitest'
import { holdKeys, MAX_CANDIDATES } from '../../src/jwt/held-keys.js'
import { importVerificationKey, type VerificationKey } from '../../src/jwt/jwk.js'
import { createSigningKey } from './sign.js'

let template: VerificationKey
beforeAll(async () => {
  const { jwk } = createSigningKey('ES256')
  const key = await importVerificationKey(jwk, new Set(['ES256']))
  if ('unusable' in key) throw new Error(key.unusable)
  template = key
})

const keyOf = (identity: string, kid?: string): VerificationKey => ({ ...template, identity, kid })
const names = (found: readonly { readonly identity: string }[] | undefined) =>
  found?.map(({ identity }) => identity)

describe('holdKeys()', () => {
  it('finds keys by their kid, and without one every key in the order of the set', () => {
    const held = holdKeys([keyOf('a', 'one'), keyOf('b', 'two'), keyOf('c')])
    expect(names(held.find('ES256', 'one'))).toEqual(['a'])
    expect(names(held.find('ES256', 'two'))).toEqual(['b'])
    expect(names(held.find('ES256', undefined))).toEqual(['a', 'b', 'c'])
    expect(held.find('ES256', 'three')).toBeUndefined()
    expect(held.find('ES256', 'undefined')).toBeUndefined()
    expect(held.find('ES384', 'one')).toBeUndefined()
    expect(held.find('ES384', undefined)).toBeUndefined()
    expect(['one', 'two', 'three', 'undefined'].map(held.hasKid)).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  it('gives the key and its issuer', () => {
    const [found] = holdKeys([{ ...keyOf('a', 'one'), issuer: 'i' }]).find('ES256', 'one') ?? []
    expect(found).toEqual({ key: template.keys.get('ES256'), issuer: 'i', identity: 'a' })
  })

  it('K16 tries no more than the first four keys of a kid, and of none', () => {
    expect(MAX_CANDIDATES).toBe(4)
    const held = holdKeys(['a', 'b', 'c', 'd', 'e'].map((identity) => keyOf(identity, 'one')))
    expect(names(held.find('ES256', 'one'))).toEqual(['a', 'b', 'c', 'd'])
    expect(names(held.find('ES256', undefined))).toEqual(['a', 'b', 'c', 'd'])
    expect(held.has('e')).toBe(true)
  })

  it('holds a key once that is listed twice', () => {
    const held = holdKeys([keyOf('a', 'one'), keyOf('a', 'one'), keyOf('b', 'one')])
    expect(names(held.find('ES256', 'one'))).toEqual(['a', 'b'])
  })

  it('tells whether another set has all of its keys', () => {
    const few = holdKeys([keyOf('a')])
    const many = holdKeys([keyOf('a'), keyOf('b')])
    const others = holdKeys([keyOf('a'), keyOf('c')])
    const none = holdKeys([])
    expect(few.isContainedIn(many)).toBe(true)
    expect(many.isContainedIn(few)).toBe(false)
    expect(many.isContainedIn(others)).toBe(false)
    expect(many.isContainedIn(many)).toBe(true)
    expect(none.isContainedIn(few)).toBe(true)
    expect([few.has('a'), few.has('b'), none.has('a')]).toEqual([true, false, false])
  })
})
