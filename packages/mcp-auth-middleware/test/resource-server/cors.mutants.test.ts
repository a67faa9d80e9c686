import { describe, expect, it } from 'vitest'
import { corsHeaders, PUBLIC_CORS, preflightHeaders } from '../../src/resource-server/cors.js'
import { createOriginPolicy } from '../../src/resource-server/origin.js'
import { viewOf } from './fakes.js'

const policyFor = (resource: string) =>
  createOriginPolicy({
    resource: new URL(resource),
    allowedOrigins: undefined,
    allowedHosts: undefined,
    readsCookies: false,
  })

describe('corsHeaders()', () => {
  it('C13 says nothing about origins to a request without one', () => {
    expect(corsHeaders(policyFor('https://mcp.test/mcp'), undefined)).toBeUndefined()
    expect(corsHeaders(policyFor('https://mcp.test/mcp'), 'https://a.test')).toMatchObject({
      'access-control-allow-origin': '*',
    })
  })

  it('C13 tells caches that it depends on the origin, also where none was sent', () => {
    expect(corsHeaders(policyFor('http://127.0.0.1/mcp'), undefined)).toEqual({ vary: 'Origin' })
  })

  it('opens public documents to every page', () => {
    expect(PUBLIC_CORS).toEqual({ 'access-control-allow-origin': '*' })
  })
})

describe('preflightHeaders()', () => {
  it('T28 says which methods and headers may be sent, for ten minutes', () => {
    expect(preflightHeaders(viewOf())).toEqual({
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
      'access-control-allow-headers':
        'authorization, content-type, accept, last-event-id, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name',
      'access-control-max-age': '600',
      vary: 'Origin, Access-Control-Request-Headers',
    })
  })
})
