import { describe, expect, it } from 'vitest'
import { corsHeaders, isPreflight, preflightHeaders } from '../../src/resource-server/cors.js'
import { createOriginPolicy } from '../../src/resource-server/origin.js'
import { viewOf } from './fakes.js'

const policyOf = (allowedOrigins?: readonly string[]) =>
  createOriginPolicy({
    resource: new URL('https://mcp.test/mcp'),
    allowedOrigins,
    allowedHosts: undefined,
    readsCookies: false,
  })

describe('corsHeaders()', () => {
  it('answers any origin alike where every origin is allowed', () => {
    expect(corsHeaders(policyOf(), 'https://app.test')).toEqual({
      'access-control-allow-origin': '*',
      'access-control-expose-headers':
        'WWW-Authenticate, Mcp-Session-Id, Mcp-Protocol-Version, Retry-After',
    })
    expect(corsHeaders(policyOf(), undefined)).toBeUndefined()
  })

  it('repeats an allowed origin and never allows credentials', () => {
    const headers = corsHeaders(policyOf(['https://app.test']), 'https://app.test')
    expect(headers).toMatchObject({
      'access-control-allow-origin': 'https://app.test',
      vary: 'Origin',
    })
    expect(headers).not.toHaveProperty('access-control-allow-credentials')
  })

  it.each(['https://evil.test', undefined])(
    'sends only Vary to the origin %s, so that no cache mixes answers',
    (origin) => {
      expect(corsHeaders(policyOf(['https://app.test']), origin)).toEqual({ vary: 'Origin' })
    },
  )
})

describe('isPreflight()', () => {
  const asked = { origin: 'https://app.test', 'access-control-request-method': 'POST' }

  it('T28 needs OPTIONS, Origin and the requested method together', () => {
    expect(isPreflight(viewOf(asked, { method: 'OPTIONS' }))).toBe(true)
    expect(isPreflight(viewOf(asked, { method: 'POST' }))).toBe(false)
    expect(isPreflight(viewOf({ origin: asked.origin }, { method: 'OPTIONS' }))).toBe(false)
    const without = { 'access-control-request-method': 'POST' }
    expect(isPreflight(viewOf(without, { method: 'OPTIONS' }))).toBe(false)
  })
})

describe('preflightHeaders()', () => {
  const allowed = (requested: string): string[] =>
    preflightHeaders(viewOf({ 'access-control-request-headers': requested }))[
      'access-control-allow-headers'
    ]?.split(', ') ?? []

  it('allows the headers of every MCP revision without being asked', () => {
    expect(allowed('')).toEqual(
      expect.arrayContaining([
        'authorization',
        'content-type',
        'mcp-protocol-version',
        'mcp-session-id',
        'mcp-method',
        'mcp-name',
      ]),
    )
  })

  it('allows header names of tools that no fixed list knows', () => {
    expect(allowed('Mcp-Param-Region, X-Other')).toEqual(
      expect.arrayContaining(['mcp-param-region', 'x-other']),
    )
  })

  it('drops what is not a header name, and never reflects a line break', () => {
    const headers = allowed('good, b ad, e"vil, x\r\ny, , *')
    expect(headers).toContain('good')
    expect(headers.every((name) => /^[a-z0-9*-]+$/.test(name))).toBe(true)
    expect(headers.join()).not.toMatch(/vil|ad,|[\r\n]/)
  })

  it('takes at most 50 names and repeats none', () => {
    const many = allowed(Array.from({ length: 500 }, (_, index) => `x-${index}`).join(','))
    expect(many.filter((name) => name.startsWith('x-'))).toHaveLength(50)
    expect(allowed('Authorization').filter((name) => name === 'authorization')).toHaveLength(1)
  })
})
