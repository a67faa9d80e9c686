import { describe, expect, it } from 'vitest'
import { endpointOf } from '../../src/metrics/endpoint.js'

describe('endpointOf()', () => {
  it.each([
    ['/oauth/token', 'token', true],
    ['/oauth/authorize', 'authorize', true],
    ['/oauth/authorize/abc123', 'authorize', true],
    ['/oauth/interaction/abc123/consent', 'interaction', true],
    ['/account/users', 'account', true],
    ['/.well-known/oauth-protected-resource/mcp', 'resource-metadata', true],
    ['/.well-known/oauth-authorization-server', 'server-metadata', true],
    ['/.well-known/jwks.json', 'jwks', true],
    ['/mcp', 'mcp', false],
    ['/mcp/', 'mcp', false],
    ['/MCP', 'mcp', false],
    ['/health/ready', 'health', false],
    ['/', 'home', false],
  ])('names %s %s', (path, name, oauth) => {
    expect(endpointOf(path)).toEqual({ name, oauth })
  })

  it.each([
    '/oauth/tokens',
    '/oauth',
    '/accounts',
    '/mcp/x',
    '/canary',
    '/__proto__',
    '/constructor',
  ])('has one name for %s and everything else', (path) => {
    expect(endpointOf(path)).toEqual({ name: 'other', oauth: false })
  })
})
