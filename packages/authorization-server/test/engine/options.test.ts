import { memoryTokenStore } from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { describe, expect, it } from 'vitest'
import { cookieNames, formatBrowserCookie } from '../../src/engine/cookies.js'
import { apiTokenLogin } from '../../src/login/api-token-login.js'
import { devLogin } from '../../src/login/dev-login.js'
import { google } from '../../src/login/google.js'
import { parseAuthorizationServerOptions } from '../../src/options.js'
import { createPages } from '../../src/pages/create-pages.js'

const login = [google({ clientId: 'c', clientSecret: 's' })]
const byToken = apiTokenLogin({
  label: 'Token',
  issuer: 'https://up.test',
  verify: async () => undefined,
})
const good = {
  issuer: 'https://mcp.example.com',
  database: 'postgresql://u:canary-password@db/x',
  encryptionKeys: generateEncryptionKey(),
  resources: { 'https://mcp.example.com/mcp': { scopes: { read: 'Read' } } },
  login,
  allow: { emails: ['ann@example.com'] },
}

function problemsOf(change: object): string[] {
  try {
    parseAuthorizationServerOptions({ ...good, ...change })
    return []
  } catch (error) {
    expect(String(error)).not.toContain('canary')
    return (error as { problems: { path: string }[] }).problems.map(({ path }) => path)
  }
}

describe('options of createAuthorizationServer', () => {
  it('takes the snippet of the documentation', () => {
    expect(problemsOf({})).toEqual([])
    expect(parseAuthorizationServerOptions(good).lifetimes.accessToken).toBe(3600)
    expect(problemsOf({ unusedClientDays: 1 })).toEqual([])
    expect(problemsOf({ unusedClientDays: 3650 })).toEqual([])
    expect(parseAuthorizationServerOptions(good).auditRetentionDays).toBe(90)
    for (const auditRetentionDays of [1, 3650, false]) {
      expect(problemsOf({ auditRetentionDays })).toEqual([])
    }
  })

  it.each([
    ['a path', { issuer: 'https://mcp.example.com/auth' }, 'issuer'],
    ['a slash', { issuer: 'https://mcp.example.com/' }, 'issuer'],
    ['http', { issuer: 'http://mcp.example.com' }, 'issuer'],
    ['no URL', { issuer: 'mcp.example.com' }, 'issuer'],
    ['no database', { database: undefined }, 'database'],
    ['another database', { database: 'mysql://canary' }, 'database'],
    ['a short key', { encryptionKeys: 'canary' }, 'encryptionKeys'],
    ['no resource', { resources: {} }, 'resources'],
    ['a misspelt option', { isuer: 'x' }, 'isuer'],
    ['no way in', { login: [] }, 'login'],
    ['a development login off loopback', { login: [devLogin()] }, 'login[0]'],
    ['A54 no allow', { allow: undefined }, 'allow'],
    ['A54 an empty allow', { allow: {} }, 'allow'],
    ['A54 empty lists', { allow: { emails: [], domains: [] } }, 'allow'],
    [
      'a life over 31 days',
      { lifetimes: { accessToken: 31 * 86_400 + 1 } },
      'lifetimes.accessToken',
    ],
    ['unused clients that go at once', { unusedClientDays: 0 }, 'unusedClientDays'],
    ['unused clients that stay ten years', { unusedClientDays: 3651 }, 'unusedClientDays'],
    ['half a day', { unusedClientDays: 1.5 }, 'unusedClientDays'],
    ['events that go at once', { auditRetentionDays: 0 }, 'auditRetentionDays'],
    ['events that stay ten years', { auditRetentionDays: 3651 }, 'auditRetentionDays'],
    ['events that stay without a word', { auditRetentionDays: true }, 'auditRetentionDays'],
    ['no brand', { brand: null }, 'brand'],
    ['a brand without a name', { brand: { name: ' ' } }, 'brand.name'],
    [
      'a misspelt colour',
      { brand: { name: 'x', colors: { acent: '#000' } } },
      'brand.colors.acent',
    ],
    ['a text that does not exist', { texts: { signinTitle: 'x' } }, 'texts.signinTitle'],
    ['a proxy that is everybody', { trustProxy: true }, 'trustProxy'],
    ['a misspelt limit', { rateLimits: { signin: false } }, 'rateLimits.signin'],
    [
      'a limit of no use',
      { rateLimits: { signIn: { points: 0, durationSeconds: 1 } } },
      'rateLimits.signIn.points',
    ],
    ['a token login without a store', { login: [...login, byToken] }, 'credentials'],
  ])('refuses %s', (_, change, path) => {
    expect(problemsOf(change)).toContain(path)
  })

  it('refuses a token login without allow.emails, and a store that can only be read', () => {
    const store = memoryTokenStore()
    const readOnly = { ...store, capabilities: { ...store.capabilities, write: false } }
    const change = { login: [byToken], allow: { domains: ['example.com'] }, credentials: readOnly }
    expect(problemsOf(change)).toEqual(['allow.emails', 'credentials'])
  })

  it('takes http for a resource on a loopback host only', () => {
    const pathsOf = (resource: string) =>
      problemsOf({ resources: { [resource]: { scopes: { read: 'Read' } } } })
    for (const host of ['localhost:3000', '127.0.0.1:3000', '[::1]:3000', 'LOCALHOST']) {
      expect(pathsOf(`http://${host}/mcp`)).toEqual([])
    }
    for (const host of ['public.example.com', 'localhost.example.com', '127.0.0.1.nip.io']) {
      expect(pathsOf(`https://${host}/mcp`)).toEqual([])
      expect(pathsOf(`http://${host}/mcp`)).toEqual([`resources["http://${host}/mcp"]`])
    }
  })

  it('names the pages by the end of a long host', () => {
    const host = `${'long.'.repeat(20)}mcp.example.com`
    const { brand } = parseAuthorizationServerOptions({ ...good, issuer: `https://${host}` })
    expect(brand.name).toBe(host.slice(-60))
    expect(() => createPages({ brand })).not.toThrow()
  })

  it('lists what is wrong with the pages beside the rest, under one name', () => {
    const change = {
      isuer: 'x',
      brand: { name: '', logo: '<script>', colors: { accent: '#ffee00' } },
      texts: { nothing: 'x' },
      trustProxy: true,
    }
    expect(problemsOf(change).sort()).toEqual([
      'brand.colors.accent',
      'brand.logo',
      'brand.name',
      'isuer',
      'texts.nothing',
      'trustProxy',
    ])
    expect(() => parseAuthorizationServerOptions({ ...good, ...change })).toThrow(
      /^createAuthorizationServer: /,
    )
  })

  it('lists every bad field at once', () => {
    const resources = {
      'https://mcp.example.com/mcp': { scopes: { 'a b': 'x', openid: 'y' }, defaultScopes: ['z'] },
    }
    expect(problemsOf({ issuer: 'https://x.test/p', encryptionKeys: '', resources }).length).toBe(5)
  })
})

describe('cookies', () => {
  it('A42 have the prefixes of https there, and plain names on http', () => {
    expect(Object.values(cookieNames('https://mcp.example.com'))).toEqual([
      '__Host-mcp_auth_session',
      '__Secure-mcp_auth_interaction',
      '__Secure-mcp_auth_resume',
      '__Host-mcp_auth_browser',
    ])
    expect(cookieNames('http://127.0.0.1:1').session).toBe('mcp_auth_session')
    const cookie = formatBrowserCookie('https://mcp.example.com', 'x')
    expect(cookie).toBe('__Host-mcp_auth_browser=x; Path=/; HttpOnly; SameSite=Lax; Secure')
  })
})
