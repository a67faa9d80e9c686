import { checkResourceAllowed as allowedV2 } from '@modelcontextprotocol/client'
import { checkResourceAllowed as allowedV1 } from '@modelcontextprotocol/sdk/shared/auth-utils.js'
import { describe, expect, it } from 'vitest'
import { matchesAsSdk } from '../../src/doctor/checks/resource-metadata.js'

const ORIGIN = 'https://mcp.example.com'

describe('matchesAsSdk()', () => {
  it.each([
    ['/mcp', '/mcp'],
    ['/', '/mcp'],
    ['/team', '/team/mcp'],
    ['/mcp', '/mcp/'],
    ['/mcp/', '/mcp'],
    ['/mcp/v1', '/mcp'],
    ['/mc', '/mcp'],
    ['/sse', '/mcp'],
  ])('judges the resource %s for the endpoint %s as both SDKs do', (resource, endpoint) => {
    const question = {
      requestedResource: new URL(endpoint, ORIGIN),
      configuredResource: new URL(resource, ORIGIN),
    }
    const own = matchesAsSdk(question.configuredResource, question.requestedResource)
    expect([allowedV1(question), allowedV2(question)]).toEqual([own, own])
  })

  it.each([
    'http://mcp.example.com/mcp',
    'https://mcp.example.com:8443/mcp',
    'https://example.com/mcp',
  ])('takes no resource of another origin, such as %s', (resource) =>
    expect(matchesAsSdk(new URL(resource), new URL('/mcp', ORIGIN))).toBe(false),
  )
})
