import { describe, expect, it } from 'vitest'
import {
  announcedLength,
  announcesBody,
  cookieOf,
  headerOf,
  isBodiless,
  isRepeated,
  queryHas,
} from '../../src/resource-server/request-view.js'
import { viewOf } from './fakes.js'

describe('headerOf()', () => {
  it('joins repeated fields as HTTP does', () => {
    const view = { method: 'GET', target: '/', headers: { a: ['1', '2'], b: '3' } }
    expect([headerOf(view, 'a'), headerOf(view, 'b'), headerOf(view, 'c')]).toEqual([
      '1, 2',
      '3',
      undefined,
    ])
  })
})

describe('isRepeated()', () => {
  it.each([
    [['Authorization', 'a', 'Authorizatiom', 'b'], false],
    [['Authorization', 'a', 'Authorizatiom', 'b', 'authorization', 'c'], true],
    [['Authorizatiom', 'a', 'Authorizatiom', 'b'], false],
    [['Authorization', 'a'], false],
  ])('counts the one field among %j: %s', (raw, repeated) => {
    expect(isRepeated(viewOf({}, { raw }), 'authorization')).toBe(repeated)
  })
})

describe('isBodiless()', () => {
  it.each([
    ['GET', true],
    ['HEAD', true],
    ['DELETE', true],
    ['OPTIONS', true],
    ['POST', false],
    ['PUT', false],
    ['QUERY', false],
    ['', false],
  ])('says of %s: %s', (method, bodiless) => {
    expect(isBodiless(method)).toBe(bodiless)
  })
})

describe('announcesBody()', () => {
  it.each<[Record<string, string>, boolean]>([
    [{}, false],
    [{ 'content-length': '0' }, false],
    [{ 'content-length': '1' }, true],
    [{ 'content-length': '00' }, true],
    [{ 'transfer-encoding': 'chunked' }, true],
    [{ 'transfer-encoding': '' }, true],
    [{ 'content-length': '0', 'transfer-encoding': 'chunked' }, true],
  ])('says of %j: %s', (headers, announced) => {
    expect(announcesBody(headers)).toBe(announced)
  })
})

describe('announcedLength()', () => {
  it.each<[Record<string, string | string[]>, number | undefined]>([
    [{}, undefined],
    [{ 'content-length': '0' }, 0],
    [{ 'content-length': '17' }, 17],
    [{ 'content-length': '' }, undefined],
    [{ 'content-length': 'x17' }, undefined],
    [{ 'content-length': '17x' }, undefined],
    [{ 'content-length': '-1' }, undefined],
    [{ 'content-length': '0x1' }, undefined],
    [{ 'content-length': ['17', '17'] }, undefined],
    [{ 'content-length': ['17'] }, undefined],
    [{ 'content-length': '17', 'transfer-encoding': 'chunked' }, undefined],
    [{ 'content-length': '17', 'transfer-encoding': '' }, undefined],
    [{ 'transfer-encoding': 'chunked' }, undefined],
  ])('says of %j: %s', (headers, length) => {
    expect(announcedLength(headers)).toBe(length)
  })
})

describe('queryHas()', () => {
  it.each([
    ['/?access_token=x', true],
    ['?access_token', true],
    ['access_token', false],
    ['/access_token=x', false],
    ['/access_token', false],
  ])('says of %s: %s', (target, has) => {
    expect(queryHas(target, 'access_token')).toBe(has)
  })
})

describe('cookieOf()', () => {
  it('finds nothing where there is no cookie, or only a word that is longer by one', () => {
    expect(cookieOf(viewOf(), 'session')).toBeUndefined()
    expect(cookieOf(viewOf({ cookie: 'sessions' }), 'session')).toBeUndefined()
  })

  it('leaves the blanks around a value out', () => {
    expect(cookieOf(viewOf({ cookie: 'a= 1 ; session = 2 ' }), 'session')).toBe('2')
  })
})
