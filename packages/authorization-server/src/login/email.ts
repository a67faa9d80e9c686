const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/
const ASCII = /[\x20-\x7e]/
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}]/u
// Blanks and quotes would need a quoted local part, which few systems compare alike.
const REFUSED_LOCAL = /[\s"(),:;<>[\\\]]/
const MAX_EMAIL_LENGTH = 254

/** Tells whether a character becomes an ASCII one, as the Kelvin sign does: another mailbox's. */
function foldsIntoAscii(character: string): boolean {
  return !ASCII.test(character) && ASCII.test(character.normalize('NFC').toLowerCase())
}

/**
 * Brings a domain name into the form in which domains are compared: lower case, in ASCII (punycode).
 * `undefined` for anything else, such as an IP address, a wildcard or a name without a dot.
 */
export function normalizeDomain(domain: string): string | undefined {
  if (INVISIBLE.test(domain.trim())) return undefined
  const text = domain.trim().normalize('NFC').toLowerCase()
  if (/[\s/@:?#\\%[\]]/.test(text) || !URL.canParse(`http://${text}`)) return undefined
  const { hostname } = new URL(`http://${text}`)
  return DOMAIN.test(hostname) ? hostname : undefined
}

/**
 * Brings an address into the form in which addresses are compared: trimmed, NFC, lower case, ASCII
 * domain. Tags (`+x`) and dots are kept, since they may belong to different people. `undefined` for
 * anything that is not one plain address.
 */
export function normalizeEmail(email: string): string | undefined {
  const trimmed = email.trim()
  const at = trimmed.indexOf('@')
  // A second `@` would be in the domain, which has none.
  if (at < 1 || INVISIBLE.test(trimmed)) return undefined
  const given = trimmed.slice(0, at)
  if (REFUSED_LOCAL.test(given) || [...given].some(foldsIntoAscii)) return undefined
  const domain = normalizeDomain(trimmed.slice(at + 1))
  if (domain === undefined) return undefined
  const address = `${given.normalize('NFC').toLowerCase()}@${domain}`
  return address.length > MAX_EMAIL_LENGTH ? undefined : address
}

/** The domain of a normalised address. */
export function domainOf(email: string): string {
  return email.slice(email.indexOf('@') + 1)
}
