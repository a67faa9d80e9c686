import { describe, expect, it } from 'vitest'
import { checkOrigins, isLoopbackHost, normalizeHost } from '../../src/resource-server/origin.js'

describe('normalizeHost()', () => {
  it.each([
    ['MCP.Test', 'https:', 'mcp.test'],
    ['mcp.test:443', 'https:', 'mcp.test'],
    ['mcp.test:80', 'http:', 'mcp.test'],
    ['mcp.test:80', 'https:', 'mcp.test:80'],
    ['mcp.test:443', 'http:', 'mcp.test:443'],
    ['mcp.test:8443', 'https:', 'mcp.test:8443'],
    [':443mcp.test', 'https:', ':443mcp.test'],
    [undefined, 'https:', undefined],
  ])('C02 makes of %s with %s: %s', (host, protocol, normal) => {
    expect(normalizeHost(host, protocol)).toBe(normal)
  })
})

describe('isLoopbackHost()', () => {
  it.each([
    ['127.0.0.1', true],
    ['127.255.100.20', true],
    ['x127.0.0.1', false],
    ['evil.127.0.0.1', false],
    ['127.0.0.1.evil', false],
    ['127.0.0.1234', false],
    ['127.0.0', false],
  ])('C16 says of %s: %s', (host, loopback) => {
    expect(isLoopbackHost(host)).toBe(loopback)
  })
})

describe('checkOrigins()', () => {
  it('names the entry and what is wrong with it', () => {
    expect(checkOrigins('allowedOrigins', ['https://a.test', 'https://a.test/'])).toEqual([
      { path: 'allowedOrigins[1]', message: expect.stringContaining('is not an origin') },
    ])
  })
})
