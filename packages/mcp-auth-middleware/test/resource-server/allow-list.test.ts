import { describe, expect, it } from 'vitest'
import {
  type AllowOptions,
  checkAllowOptions,
  createAllowList,
  normalizeEmail,
} from '../../src/resource-server/allow-list.js'
import { principalOf } from './fakes.js'

function admits(options: AllowOptions, email: string, emailVerified: boolean | undefined = true) {
  return createAllowList(options)(principalOf({ email, emailVerified }))
}

describe('createAllowList()', () => {
  const people = { emails: ['Ann@Corp.test'] }
  const domain = { domains: ['Corp.test'] }

  it.each(['ann@corp.test', 'ANN@CORP.TEST', ' ann@corp.test '])(
    'admits %j by address',
    (email) => {
      expect(admits(people, email)).toBe(true)
    },
  )

  it.each([
    'ann@corp.test.evil.test',
    'ann@xcorp.test',
    'ann@sub.corp.test',
    'xann@corp.test',
    'ann+x@corp.test',
    'a.nn@corp.test',
    'ann@corp.tes',
    'ann@corp.test.',
    'ann',
    '',
    '@corp.test',
    'ann@evil.test,ann@corp.test',
    'ann@evil.test ann@corp.test',
    'ann@evil.test@corp.test',
    '"ann@corp.test"@evil.test',
    'ann\u0000@corp.test',
    'ann\u200b@corp.test',
  ])('refuses %j by address', (email) => {
    expect(admits(people, email)).toBe(false)
  })

  it.each(['ann@corp.test', 'anybody@CORP.test', 'ann+tag@corp.test'])(
    'admits %s by domain',
    (email) => {
      expect(admits(domain, email)).toBe(true)
    },
  )

  it.each([
    'ann@xcorp.test',
    'ann@sub.corp.test',
    'ann@corp.test.evil.test',
    'corp.test',
    'ann@corp.test:80',
    'ann@user:corp.test',
    'ann@corp.test/x',
    'ann@evil.test#@corp.test',
    'ann@evil.test?corp.test',
    'ann@corp%2etest',
    'ann@[127.0.0.1]',
  ])('refuses %s by domain', (email) => {
    expect(admits(domain, email)).toBe(false)
  })

  it.each([false, undefined])('J56 refuses an address whose verification is %s', (verified) => {
    expect(
      createAllowList(people)(principalOf({ email: 'ann@corp.test', emailVerified: verified })),
    ).toBe(false)
    expect(
      createAllowList(domain)(principalOf({ email: 'ann@corp.test', emailVerified: verified })),
    ).toBe(false)
  })

  it('J56 refuses a verification that is only truthy', () => {
    const forged = { ...principalOf({ email: 'ann@corp.test' }), emailVerified: 'true' as never }
    expect(createAllowList(people)(forged)).toBe(false)
  })

  it('compares international domains in their ASCII form', () => {
    expect(admits({ domains: ['bücher.test'] }, 'a@xn--bcher-kva.test')).toBe(true)
    expect(admits({ domains: ['xn--bcher-kva.test'] }, 'a@BÜCHER.test')).toBe(true)
    expect(admits({ domains: ['bucher.test'] }, 'a@bücher.test')).toBe(false)
  })

  it('compares composed and decomposed letters alike', () => {
    expect(admits({ emails: ['jos\u00e9@corp.test'] }, 'jose\u0301@corp.test')).toBe(true)
    expect(admits({ emails: ['jose@corp.test'] }, 'jose\u0301@corp.test')).toBe(false)
  })

  // U+212A is another mailbox than k, although both lower-casing and NFC turn it into k.
  it('does not take the Kelvin sign for a k', () => {
    expect(admits({ emails: ['kim@corp.test'] }, '\u212aim@corp.test')).toBe(false)
  })

  it('admits a caller without an address only by tenant, identity or name', () => {
    const service = principalOf({ subject: 'bot', kind: 'service', tenant: 'acme' })
    const only = (options: AllowOptions) => createAllowList(options)(service)
    expect(only(domain)).toBe(false)
    expect(only({ tenants: ['acme'] })).toBe(true)
    expect(only({ tenants: ['Acme'] })).toBe(false)
    expect(only({ subjects: [{ issuer: 'https://as.test', subject: 'bot' }] })).toBe(true)
    expect(only({ subjects: [{ issuer: 'https://other.test', subject: 'bot' }] })).toBe(false)
    expect(createAllowList(domain)({ ...service, admittedByName: true })).toBe(true)
  })

  it('admits whoever matches any entry', () => {
    const options = { emails: ['ann@corp.test'], tenants: ['acme'] }
    expect(createAllowList(options)(principalOf({ tenant: 'acme' }))).toBe(true)
    expect(admits(options, 'ann@corp.test')).toBe(true)
    expect(admits(options, 'bob@corp.test')).toBe(false)
  })
})

describe('normalizeEmail()', () => {
  it('P02 gives up on 50 KB of blanks or at signs at once', () => {
    const started = performance.now()
    for (const part of [' ', '@', '.', 'a']) normalizeEmail(`${part.repeat(50_000)}@x.test`)
    expect(performance.now() - started).toBeLessThan(50)
  })
})

describe('checkAllowOptions()', () => {
  it.each([
    ['nothing', {}, ['allow']],
    ['only empty lists', { emails: [], domains: [] }, ['allow']],
    ['a domain as an address', { emails: ['corp.test'] }, ['allow.emails[0]']],
    ['an address as a domain', { domains: ['ok.test', 'ann@corp.test'] }, ['allow.domains[1]']],
    ['a wildcard', { domains: ['*.corp.test'] }, ['allow.domains[0]']],
    ['a domain of one label', { domains: ['corp'] }, ['allow.domains[0]']],
    ['a leading dot', { domains: ['.corp.test'] }, ['allow.domains[0]']],
    ['a trailing dot', { domains: ['corp.test.'] }, ['allow.domains[0]']],
    [
      'an address of a machine',
      { domains: ['127.0.0.1', '[::1]'] },
      ['allow.domains[0]', 'allow.domains[1]'],
    ],
    ['a URL', { domains: ['https://corp.test'] }, ['allow.domains[0]']],
  ])('reports %s', (_, options, paths) => {
    expect(checkAllowOptions(options).map(({ path }) => path)).toEqual(paths)
  })

  it('is content with plain addresses and domains', () => {
    const options = { emails: ['Ann+x@Corp.test'], domains: ['corp.co.test', 'bücher.test'] }
    expect(checkAllowOptions(options)).toEqual([])
  })
})
