import { describe, expect, it } from 'vitest'
import {
  checkOrigins,
  createOriginPolicy,
  isLoopbackHost,
} from '../../src/resource-server/origin.js'

function policyFor(
  resource: string,
  options: {
    allowedOrigins?: readonly string[]
    allowedHosts?: readonly string[]
    readsCookies?: boolean
  } = {},
) {
  return createOriginPolicy({
    resource: new URL(resource),
    allowedOrigins: options.allowedOrigins,
    allowedHosts: options.allowedHosts,
    readsCookies: options.readsCookies ?? false,
  })
}

describe('isLoopbackHost()', () => {
  it.each(['localhost', 'app.localhost', '127.0.0.1', '127.1.2.3', '[::1]'])('knows %s', (host) => {
    expect(isLoopbackHost(host)).toBe(true)
  })

  it.each([
    '127.0.0.1.evil.test',
    'localhost.evil.test',
    'notlocalhost',
    '128.0.0.1',
    '0.0.0.0',
    '::1',
    '127.0.0',
    '',
  ])('refuses %j', (host) => {
    expect(isLoopbackHost(host)).toBe(false)
  })
})

describe('a loopback resource', () => {
  const policy = policyFor('http://127.0.0.1:3000/mcp')

  it.each(['http://localhost:5173', 'http://127.0.0.1', 'https://[::1]:8443'])(
    'allows the origin %s',
    (origin) => {
      expect(policy.allowsOrigin(origin)).toBe(true)
    },
  )

  // Streamable HTTP: a server must validate Origin, against DNS rebinding.
  it.each([
    'http://evil.test',
    'http://127.0.0.1.evil.test',
    'null',
    '',
    'http://localhost:5173/',
    'file://localhost',
    'http://localhost@evil.test',
    'HTTP://LOCALHOST',
  ])('refuses the origin %j', (origin) => {
    expect(policy.allowsOrigin(origin)).toBe(false)
  })

  it.each(['127.0.0.1:3000', 'localhost', 'LOCALHOST:1', '[::1]:3000'])(
    'answers host %s',
    (host) => {
      expect(policy.allowsHost(host)).toBe(true)
    },
  )

  it.each([
    undefined,
    '',
    'evil.test',
    'evil.test:3000',
    'localhost@evil.test',
    'localhost/x',
    'localhost:99999',
    '127.0.0.1", error="x',
  ])('refuses host %j', (host) => {
    expect(policy.allowsHost(host)).toBe(false)
  })

  it('keeps answering loopback beside allowedHosts', () => {
    const tunnel = policyFor('http://127.0.0.1:3000', { allowedHosts: ['Tunnel.test:443'] })
    expect(tunnel.allowsHost('tunnel.test:443')).toBe(true)
    expect(tunnel.allowsHost('tunnel.test')).toBe(false)
    expect(tunnel.allowsHost('localhost')).toBe(true)
  })
})

describe('a public resource', () => {
  it('allows any origin for Bearer credentials, and says so', () => {
    const policy = policyFor('https://mcp.test/mcp')
    expect(policy.anyOrigin).toBe(true)
    expect(policy.allowsOrigin('https://anything.test')).toBe(true)
    expect(policy.allowsHost('behind-a-proxy:8080')).toBe(true)
    expect(policy.allowsHost(undefined)).toBe(true)
  })

  it('allows only its own origin as soon as a cookie is read', () => {
    const policy = policyFor('https://mcp.test/mcp', { readsCookies: true })
    expect(policy.anyOrigin).toBe(false)
    expect(policy.allowsOrigin('https://mcp.test')).toBe(true)
    expect(policy.allowsOrigin('http://mcp.test')).toBe(false)
    expect(policy.allowsOrigin('https://mcp.test:8443')).toBe(false)
    expect(policy.allowsOrigin('https://sub.mcp.test')).toBe(false)
  })

  it('compares allowedOrigins whole', () => {
    const policy = policyFor('https://mcp.test', { allowedOrigins: ['https://app.test'] })
    expect(policy.allowsOrigin('https://app.test')).toBe(true)
    expect(policy.allowsOrigin('https://app.test.evil.test')).toBe(false)
    expect(policy.allowsOrigin('https://mcp.test')).toBe(false)
  })

  it('refuses every origin with an empty list', () => {
    const policy = policyFor('https://mcp.test', { allowedOrigins: [] })
    expect(policy.allowsOrigin('https://mcp.test')).toBe(false)
  })

  it('refuses other hosts only when hosts are listed', () => {
    const policy = policyFor('https://mcp.test', { allowedHosts: ['mcp.test'] })
    expect(policy.allowsHost('MCP.TEST')).toBe(true)
    expect(policy.allowsHost('evil.test')).toBe(false)
    expect(policy.allowsHost(undefined)).toBe(false)
    expect(policy.allowsHost('localhost')).toBe(false)
  })
})

describe('checkOrigins()', () => {
  it.each(['https://app.test', 'http://localhost:5173'])('accepts %s', (origin) => {
    expect(checkOrigins('allowedOrigins', [origin])).toEqual([])
  })

  it.each([
    'https://app.test/',
    'https://app.test/x',
    'app.test',
    '*',
    'null',
    'https://*.app.test',
    'HTTPS://app.test',
    'https://app.test:443',
    'ftp://app.test',
  ])('refuses %s', (origin) => {
    const problems = checkOrigins('allowedOrigins', ['https://ok.test', origin])
    expect(problems.map(({ path }) => path)).toEqual(
      origin === 'https://*.app.test' ? [] : ['allowedOrigins[1]'],
    )
  })
})
