import { ConfigurationError, type ConfigurationProblem } from '@bestviable/mcp-auth-middleware'
import * as z from 'zod/mini'
import { domainOf, normalizeDomain, normalizeEmail } from './email.js'
import { GOOGLE_ISSUER } from './google.js'
import { readLoginOptions, textOption } from './login-options.js'
import type { Admission, AdmissionRules, VerifiedIdentity } from './login-provider.js'
import { normalizeTenant, PERSONAL_TENANT } from './microsoft.js'

const SUBJECT = 'createAdmission'
const ROOT = 'allow'

const emailProblem = (text: string) =>
  normalizeEmail(text) === undefined ? 'is not an e-mail address' : undefined

const domainProblem = (text: string) =>
  normalizeDomain(text) === undefined
    ? 'is not a domain name such as example.com (no @, no wildcard)'
    : undefined

function tenantProblem(text: string): string | undefined {
  const tenant = normalizeTenant(text)
  if (tenant === undefined) return 'is not a directory (tenant) id, a GUID'
  return tenant === PERSONAL_TENANT
    ? 'is the tenant of every personal account; list addresses instead'
    : undefined
}

const listOf = (findProblem: (text: string) => string | undefined, what: string) =>
  z.optional(z.array(textOption(findProblem), { error: `must be a list of ${what}` }))

const Rules = z.strictObject(
  {
    emails: listOf(emailProblem, 'addresses'),
    domains: listOf(domainProblem, 'domains'),
    tenants: listOf(tenantProblem, 'directory (tenant) ids'),
    invitationsOnly: z.optional(z.boolean({ error: 'must be a boolean' })),
  },
  { error: 'must be an object with emails, domains or tenants' },
)

/** Finds every malformed rule, and rules that admit nobody without saying so. None: usable. */
export function checkAdmissionRules(rules: unknown): readonly ConfigurationProblem[] {
  const { data, problems } = readLoginOptions(Rules, rules, ROOT)
  if (data === undefined) return problems
  const { emails = [], domains = [], tenants = [], invitationsOnly = false } = data
  const isEmpty = emails.length + domains.length + tenants.length === 0
  if (isEmpty && !invitationsOnly) {
    const message = 'admits nobody; list emails, domains or tenants, or set invitationsOnly to true'
    return [{ path: ROOT, message }]
  }
  if (!isEmpty && invitationsOnly) {
    const message = 'cannot be true beside a list; invitations count beside lists anyway'
    return [{ path: `${ROOT}.invitationsOnly`, message }]
  }
  return []
}

/** The domain that a domain rule is compared with. */
function ruledDomain(identity: VerifiedIdentity, email: string): string | undefined {
  // A Google account can be opened on any address; only `hd` says that a domain runs it.
  return identity.issuer === GOOGLE_ISSUER ? identity.hostedDomain : domainOf(email)
}

/**
 * Builds the rule that decides who may come in: a listed directory, a listed address, a listed
 * domain, or an invitation. Whoever has no address that may be used for admission comes in by a
 * listed directory only. Subdomains and endings of domains do not match.
 *
 * Ask it at every sign-in and at every refresh, since lists change.
 *
 * @throws ConfigurationError at once, when a rule is malformed, or when nothing is listed and
 * `invitationsOnly` is not `true`.
 */
export function createAdmission(rules: AdmissionRules): Admission {
  const problems = checkAdmissionRules(rules)
  if (problems.length > 0) throw new ConfigurationError(SUBJECT, problems)
  const emails = new Set(rules.emails?.map(normalizeEmail))
  const domains = new Set(rules.domains?.map(normalizeDomain))
  const tenants = new Set(rules.tenants?.map(normalizeTenant))

  return (identity, { invited }) => {
    if (identity.tenant !== undefined && tenants.has(identity.tenant)) return { admitted: true }
    const email = identity.email === undefined ? undefined : normalizeEmail(identity.email)
    if (email === undefined) return { admitted: false, reason: 'email_missing' }
    if (emails.has(email) || invited === true) return { admitted: true }
    const domain = ruledDomain(identity, email)
    return domain !== undefined && domains.has(domain)
      ? { admitted: true }
      : { admitted: false, reason: 'not_listed' }
  }
}
