import { describe, expect, it } from 'vitest'
import { apiTokenLogin } from '../../src/login/api-token-login.js'
import { checkLoginProviders } from '../../src/login/check-login-providers.js'
import { type DevLoginOptions, devLogin } from '../../src/login/dev-login.js'
import { google } from '../../src/login/google.js'
import { oidc } from '../../src/login/oidc.js'

const client = { clientId: 'c', clientSecret: 's' }
const issuer = 'https://as.example'
const company = (id: string) =>
  oidc({ id, label: 'Company', issuer: 'https://login.example', ...client })
const coda = apiTokenLogin({
  label: 'Coda API token',
  issuer: 'https://coda.io',
  verify: async () => undefined,
})

const paths = (providers: unknown, as = issuer) =>
  checkLoginProviders(providers, { issuer: as }).map(({ path }) => path)

describe('checkLoginProviders()', () => {
  it('finds nothing wrong with different logins', () => {
    expect(paths([google(client), company('company'), coda])).toEqual([])
  })

  it.each([
    'http://localhost:8080',
    'http://127.0.0.1:8080',
    'http://[::1]:8080',
    'http://app.localhost',
  ])('accepts the development login at %s', (as) => {
    expect(paths([devLogin()], as)).toEqual([])
  })

  it.each([
    'https://as.example',
    'http://localhost.example',
    'http://127.0.0.1.example',
    'http://0.0.0.0:8080',
    'http://192.168.0.1',
    'not a url',
    '',
  ])('refuses the development login at %s', (as) => {
    expect(paths([devLogin()], as)).toEqual(['login[0]'])
  })

  it.each([['company'], ['COMPANY']])('refuses a second login with the id %s', (id) => {
    expect(paths([company('company'), company(id)])).toEqual(['login[1].id'])
  })

  it.each([
    ['nothing', undefined],
    ['an empty list', []],
    ['no list', google(client)],
  ])('refuses %s', (_name, providers) => {
    expect(paths(providers)).toEqual(['login'])
  })

  it('lists all problems at once', () => {
    const providers = [
      devLogin(),
      company('company'),
      company('company'),
      'google',
      null,
      { kind: 'redirect', id: 'x', label: 'X' },
      { kind: 'constructor', id: 'x', label: 'X' },
      { ...coda, id: '../x', label: '' },
    ]

    expect(paths(providers)).toEqual([
      'login[0]',
      'login[2].id',
      'login[3]',
      'login[4]',
      'login[5]',
      'login[6]',
      'login[7].id',
      'login[7].label',
    ])
  })
})

describe('devLogin()', () => {
  it('has one user by default', () => {
    expect(devLogin()).toMatchObject({
      kind: 'dev',
      id: 'dev',
      users: [{ subject: 'dev', email: 'dev@example.com', name: 'Developer' }],
    })
  })

  it('normalises the addresses of its users', () => {
    const users = [{ subject: 'a', email: 'Ann@Example.com', name: 'Ann' }]

    expect(devLogin({ users }).users[0]?.email).toBe('ann@example.com')
  })

  it.each<[string, Record<string, unknown>]>([
    ['no users', { users: [] }],
    ['a user without an address', { users: [{ subject: 'a', name: 'Ann' }] }],
    ['an address that is none', { users: [{ subject: 'a', name: 'Ann', email: 'ann' }] }],
    [
      'a subject twice',
      {
        users: [
          { subject: 'a', name: 'Ann', email: 'a@example.com' },
          { subject: 'a', name: 'Bob', email: 'b@example.com' },
        ],
      },
    ],
  ])('P18 refuses to be made with %s', (_name, options) => {
    expect(() => devLogin(options as DevLoginOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIGURATION' }),
    )
  })
})
