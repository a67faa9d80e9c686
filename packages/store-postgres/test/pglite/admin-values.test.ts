import { describe, expect, it } from 'vitest'
import { decodeValue, encodeValue } from '../../src/pglite/admin-values.js'

describe('encodeValue() and decodeValue()', () => {
  it.each([
    ['text', 'canary-"\u2028\n'],
    ['a number', 1.5],
    ['a number without end', Number.POSITIVE_INFINITY],
    ['a large integer', -9007199254740993n],
    ['a truth', true],
    ['nothing', null],
    ['a time', new Date('2026-01-02T03:04:05.678Z')],
    ['an array of texts', ['a', 'b']],
    ['a document', { b: 'looks like bytes' }],
    ['a document of several members', { a: [1, { d: 'x' }], j: null }],
    ['an array with a document', [{ i: '1' }, null]],
  ])('carries %s through JSON', (_, value) => {
    expect(decodeValue(JSON.parse(JSON.stringify(encodeValue(value))))).toEqual(value)
  })

  it('carries bytes, also those in the middle of a buffer and those in arrays', () => {
    const bytes = new Uint8Array([1, 2, 3, 4]).subarray(1, 3)
    const [one, many] = decodeValue(
      JSON.parse(JSON.stringify(encodeValue([bytes, [bytes, bytes]]))),
    ) as [Uint8Array, Uint8Array[]]
    expect([...one]).toEqual([2, 3])
    expect(many.map((each) => [...each])).toEqual([
      [2, 3],
      [2, 3],
    ])
  })

  it.each([
    ['an unknown tag', { x: '1' }],
    ['no tag', {}],
    ['two tags', { b: '', d: '' }],
    ['bytes that are a number', { b: 1 }],
    ['an integer in words', { i: 'one' }],
    ['an integer without end', { i: '9'.repeat(41) }],
  ])('refuses %s', (_, value) => {
    expect(() => decodeValue(value)).toThrow(TypeError)
  })
})
