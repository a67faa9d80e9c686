import type { ConfigurationProblem } from '../errors.js'
import type { Principal } from '../principal.js'

/** Who may come in, for every validator. A caller who matches any entry is admitted. */
export interface AllowOptions {
  /** Exact addresses. Only addresses that the issuer verified match. */
  readonly emails?: readonly string[] | undefined
  /** Exact domains of verified addresses; subdomains do not match. */
  readonly domains?: readonly string[] | undefined
  /** Organisations or directory tenants, as the validator reports them. */
  readonly tenants?: readonly string[] | undefined
  /** Exact identities, for callers without an address such as client-credentials services. */
  readonly subjects?: readonly { readonly issuer: string; readonly subject: string }[] | undefined
}

/** Decides whether a verified caller may come in. */
export type AllowList = (principal: Principal) => boolean

const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/

const ASCII = /^[\x20-\x7e]*$/

function normalizeDomain(domain: string): string | undefined {
  const text = domain.trim().normalize('NFC').toLowerCase()
  if (/[\s/@:?#\\%[\]]/.test(text)) return undefined
  try {
    const { hostname } = new URL(`http://${text}`)
    return DOMAIN.test(hostname) ? hostname : undefined
  } catch {
    return undefined
  }
}

/**
 * Brings an address into the form in which addresses are compared: trimmed, NFC, lower case, ASCII
 * domain. Tags (`+x`) and dots are kept. `undefined` for anything that is not one plain address.
 */
export function normalizeEmail(email: string): string | undefined {
  const text = email.trim().normalize('NFC').toLowerCase()
  const at = text.indexOf('@')
  if (at < 1 || at !== text.lastIndexOf('@')) return undefined
  const local = text.slice(0, at)
  // The Kelvin sign and its like become ASCII letters here, but they are another mailbox.
  if (ASCII.test(local) && !ASCII.test(email.slice(0, email.indexOf('@')).trim())) return undefined
  if (/[\s"(),:;<>[\\\]\p{Cc}\p{Cf}\p{Cs}]/u.test(local)) return undefined
  const domain = normalizeDomain(text.slice(at + 1))
  return domain === undefined ? undefined : `${local}@${domain}`
}

/** Reports entries that could never match, and a list that admits nobody. */
export function checkAllowOptions(options: AllowOptions): ConfigurationProblem[] {
  const { emails = [], domains = [], tenants = [], subjects = [] } = options
  const problems: ConfigurationProblem[] = []
  if (emails.length + domains.length + tenants.length + subjects.length === 0) {
    problems.push({
      path: 'allow',
      message: 'admits nobody; list emails, domains, tenants or subjects, or leave it out',
    })
  }
  emails.forEach((email, index) => {
    if (normalizeEmail(email) === undefined) {
      problems.push({ path: `allow.emails[${index}]`, message: 'is not an e-mail address' })
    }
  })
  domains.forEach((domain, index) => {
    if (normalizeDomain(domain) === undefined) {
      problems.push({
        path: `allow.domains[${index}]`,
        message: 'is not a domain name such as example.com (no @, no wildcard)',
      })
    }
  })
  return problems
}

/** Builds the admission rule. Call {@link checkAllowOptions} first. */
export function createAllowList(options: AllowOptions): AllowList {
  const emails = new Set(options.emails?.map((email) => normalizeEmail(email)))
  const domains = new Set(options.domains?.map((domain) => normalizeDomain(domain)))
  const tenants = new Set(options.tenants)
  const subjects = new Set(
    options.subjects?.map(({ issuer, subject }) => JSON.stringify([issuer, subject])),
  )

  return (principal) => {
    // The operator named this caller in a validator's own configuration.
    if (principal.admittedByName === true) return true
    if (principal.tenant !== undefined && tenants.has(principal.tenant)) return true
    if (subjects.has(JSON.stringify([principal.issuer, principal.subject]))) return true
    if (principal.emailVerified !== true || principal.email === undefined) return false
    const email = normalizeEmail(principal.email)
    if (email === undefined) return false
    return emails.has(email) || domains.has(email.slice(email.indexOf('@') + 1))
  }
}
