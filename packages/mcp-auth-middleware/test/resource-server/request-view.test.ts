import { describe, expect, it } from 'vitest'
import { cookieOf, isRepeated, pathOf, queryHas } from '../../src/resource-server/request-view.js'
import { viewOf } from './fakes.js'

describe('cookieOf()', () => {
  it.each([
    ['the only one', 'a=1', '1'],
    ['one among others', 'b=2; a=1; c=3', '1'],
    ['one with an equals sign in its value', 'a=1=2', '1=2'],
  ])('reads %s', (_, cookie, value) => {
    expect(cookieOf(viewOf({ cookie }), 'a')).toBe(value)
  })

  it.each([
    ['another name', 'aa=1'],
    ['an empty value', 'a='],
    ['two of one name', 'a=1; a=2'],
    ['two of one name with the same value', 'a=1; b=2; a=1'],
    ['two that HTTP/2 merged by a comma', 'a=1, a=2'],
  ])('finds nothing in %s', (_, cookie) => {
    expect(cookieOf(viewOf({ cookie }), 'a')).toBeUndefined()
  })
})

describe('isRepeated()', () => {
  it('sees a list where the adapter has no raw fields', () => {
    const view = { method: 'GET', target: '/', headers: { a: ['1', '2'], b: '1' } }
    expect(isRepeated(view, 'a')).toBe(true)
    expect(isRepeated(view, 'b')).toBe(false)
  })
})

describe('pathOf() and queryHas()', () => {
  it('splits at the first question mark, byte for byte', () => {
    expect(pathOf('/a%2fb?c?d')).toBe('/a%2fb')
    expect(pathOf('/a')).toBe('/a')
    expect(queryHas('/a', 'a')).toBe(false)
    expect(queryHas('/a?b=/a?a=1', 'a')).toBe(false)
  })
})
