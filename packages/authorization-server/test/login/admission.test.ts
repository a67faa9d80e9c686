import { describe, expect, it } from 'vitest'
import { checkAdmissionRules, createAdmission } from '../../src/login/admission.js'
import type { AdmissionRules, VerifiedIdentity } from '../../src/login/login-provider.js'
import { PERSONAL, TENANT_A, TENANT_B } from './support/claims.js'

const person = (change: Partial<VerifiedIdentity> = {}): VerifiedIdentity => ({
  provider: 'company',
  issuer: 'https://login.example',
  subject: 'subject-1',
  email: 'ann@corp.test',
  ...change,
})

function decide(rules: AdmissionRules, identity: VerifiedIdentity, invited = false) {
  const decision = createAdmission(rules)(identity, { invited })
  return decision.admitted ? 'admitted' : decision.reason
}

describe('createAdmission()', () => {
  it.each([
    ['the address', 'ann@corp.test', 'admitted'],
    ['the address in other case', 'Ann@CORP.test', 'admitted'],
    ['another address', 'bob@corp.test', 'not_listed'],
    ['the address with a tag', 'ann+x@corp.test', 'not_listed'],
    ['the address with a dot', 'a.nn@corp.test', 'not_listed'],
    ['the address at a longer domain', 'ann@corp.test.evil.test', 'not_listed'],
    ['the address before another', 'ann@corp.test@evil.test', 'email_missing'],
    ['the address in quotes', '"ann@corp.test"@evil.test', 'email_missing'],
    ['an empty address', '', 'email_missing'],
    ['no address', undefined, 'email_missing'],
  ])('A50 compares whole addresses: %s', (_name, email, expected) => {
    expect(decide({ emails: ['ann@corp.test'] }, person({ email }))).toBe(expected)
  })

  it.each([
    ['the domain', 'bob@corp.test', 'admitted'],
    ['the domain in other case', 'bob@Corp.Test', 'admitted'],
    ['a domain that ends like it', 'bob@xcorp.test', 'not_listed'],
    ['a subdomain', 'bob@sub.corp.test', 'not_listed'],
    ['a domain that starts like it', 'bob@corp.test.evil.test', 'not_listed'],
    ['a domain with a dot at its end', 'bob@corp.test.', 'email_missing'],
    ['the domain as a name', 'corp.test@evil.test', 'not_listed'],
    ['no address', undefined, 'email_missing'],
  ])('A50 compares whole domains: %s', (_name, email, expected) => {
    expect(decide({ domains: ['corp.test'] }, person({ email }))).toBe(expected)
  })

  it('A50 compares domains in one spelling', () => {
    expect(
      decide({ domains: ['bücher.example'] }, person({ email: 'a@xn--bcher-kva.example' })),
    ).toBe('admitted')
    expect(decide({ domains: ['bucher.example'] }, person({ email: 'a@bücher.example' }))).toBe(
      'not_listed',
    )
  })

  it.each([
    ['the tenant', TENANT_A, 'admitted'],
    ['another tenant', TENANT_B, 'email_missing'],
    ['no tenant', undefined, 'email_missing'],
    ['an empty tenant', '', 'email_missing'],
  ])('A51 compares whole tenants: %s', (_name, tenant, expected) => {
    const rules = { tenants: [TENANT_A.toUpperCase()] }

    expect(decide(rules, person({ tenant, email: undefined }))).toBe(expected)
  })

  it.each([
    ['Workspace domain listed', { hostedDomain: 'corp.test' }, 'admitted'],
    ['no Workspace domain', {}, 'not_listed'],
    ['another Workspace domain', { hostedDomain: 'other.test' }, 'not_listed'],
    [
      'Workspace domain, nothing verified',
      { hostedDomain: 'corp.test', email: undefined },
      'email_missing',
    ],
  ])('A53 compares hd for Google: %s', (_name, change, expected) => {
    const identity = person({ issuer: 'https://accounts.google.com', ...change })

    expect(decide({ domains: ['corp.test'] }, identity)).toBe(expected)
  })

  it('A53 does not take a Workspace domain from anybody but Google', () => {
    const identity = person({ email: 'ann@evil.test', hostedDomain: 'corp.test' })

    expect(decide({ domains: ['corp.test'] }, identity)).toBe('not_listed')
  })

  it('admits an invited person, also beside lists, but only with an address', () => {
    expect(decide({ invitationsOnly: true }, person(), true)).toBe('admitted')
    expect(decide({ invitationsOnly: true }, person(), false)).toBe('not_listed')
    expect(decide({ emails: ['bob@corp.test'] }, person(), true)).toBe('admitted')
    expect(decide({ invitationsOnly: true }, person({ email: undefined }), true)).toBe(
      'email_missing',
    )
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['no rule', {}],
    ['empty lists', { emails: [], domains: [], tenants: [] }],
    ['an empty text', ''],
    ['malformed JSON', '{"emails":['],
    ['a text for a list', { emails: 'ann@corp.test' }],
    ['a list as text', { emails: '["ann@corp.test"]' }],
    ['commas', { emails: [','] }],
    ['a text with commas', { emails: ['ann@corp.test,bob@corp.test'] }],
    ['empty entries', { domains: ['', ' '] }],
    ['a star', { domains: ['*'] }],
    ['a wildcard', { domains: ['*.corp.test'] }],
    ['a domain with @', { domains: ['@corp.test'] }],
    ['a top-level domain', { domains: ['test'] }],
    ['an IP address', { domains: ['127.0.0.1'] }],
    ['an object for a list', { emails: { 0: 'ann@corp.test', length: 1 } }],
    ['numbers', { domains: [1] }],
    ['null in a list', { emails: ['ann@corp.test', null] }],
    ['an unknown rule', { emails: ['ann@corp.test'], domain: ['corp.test'] }],
    ['a tenant by name', { tenants: ['common'] }],
    ['the tenant of personal accounts', { tenants: [PERSONAL] }],
    ['a good list beside a bad one', { emails: ['ann@corp.test'], domains: [''] }],
    ['invitations only that is a text', { invitationsOnly: 'true' }],
    ['invitations only that is false', { invitationsOnly: false }],
    ['invitations only beside a list', { invitationsOnly: true, emails: ['ann@corp.test'] }],
  ])('A54 refuses at start: %s', (_name, rules) => {
    expect(checkAdmissionRules(rules).length).toBeGreaterThan(0)
    expect(() => createAdmission(rules as AdmissionRules)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIGURATION' }),
    )
  })

  it('A54 names every bad rule at once', () => {
    const rules = { emails: ['ann', 'bob@corp.test', 'eve@'], domains: ['*'], tenants: ['x'] }

    expect(checkAdmissionRules(rules).map(({ path }) => path)).toEqual([
      'allow.emails[0]',
      'allow.emails[2]',
      'allow.domains[0]',
      'allow.tenants[0]',
    ])
  })

  it('A54 keeps to its rules when the given lists change later', () => {
    const emails = ['ann@corp.test']
    const admission = createAdmission({ emails })
    emails.push('eve@evil.test')

    expect(admission(person({ email: 'eve@evil.test' }), { invited: false }).admitted).toBe(false)
  })
})
