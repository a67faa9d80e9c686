import {
  type CredentialKey,
  type CredentialOwner,
  isCredentialName,
  validateCredentialKey,
} from '@bestviable/mcp-auth-middleware'
import { CommandFailure } from './failure.js'

const SECRET_REASON =
  'a secret is never taken from the command line, where the process list and the shell history show it; type it at the prompt or pipe it. If what you typed was a secret, replace it.'

/** Shapes that API keys and tokens have and names of providers have not. */
const SECRET_SHAPES = [
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
  /^(?:sk|pk|rk|ghp|gho|ghs|github_pat|glpat|xox[a-z]|eyJ)[-_A-Za-z0-9]*[-_][A-Za-z0-9_-]{8,}$/,
  /^[A-Za-z0-9_-]{41,}$/,
]

/** Tells whether a text looks like a secret rather than the name of a provider. */
function looksLikeSecret(text: string): boolean {
  return SECRET_SHAPES.some((shape) => shape.test(text))
}

/** The refusal of whatever might be a secret on the command line. */
export function secretArgumentFailure(): CommandFailure {
  return new CommandFailure('usage', SECRET_REASON)
}

/** Checks the name of a provider. Never repeats what was typed. */
export function parseProvider(text: string): string {
  if (isCredentialName(text) && !looksLikeSecret(text)) return text
  if (looksLikeSecret(text) || /[=:\s]/.test(text)) throw secretArgumentFailure()
  throw new CommandFailure(
    'usage',
    'the provider must be 1 to 64 letters, digits, "_" or "-" and not start with "-"',
  )
}

/** Builds the key that an argument and the owner flags name. */
export function parseCredentialKey(
  provider: string | undefined,
  owner: {
    readonly service: boolean
    readonly issuer?: string | undefined
    readonly subject?: string | undefined
  },
): CredentialKey {
  const { service, issuer, subject } = owner
  if ((issuer === undefined) !== (subject === undefined)) {
    throw new CommandFailure('usage', '--issuer and --subject name a user together; give both')
  }
  if (service && issuer !== undefined) {
    throw new CommandFailure('usage', '--service and --issuer exclude each other')
  }
  const name = parseProvider(provider ?? '')
  const parsed: CredentialOwner =
    issuer === undefined || subject === undefined
      ? { kind: 'service' }
      : { kind: 'user', issuer, subject }
  return validateCredentialKey({ provider: name, owner: parsed })
}

/** What people read about a key. Issuer and subject come from outside, so they are quoted. */
export function formatOwner(owner: CredentialOwner): string {
  return owner.kind === 'service'
    ? 'service'
    : `${JSON.stringify(owner.subject)} at ${JSON.stringify(owner.issuer)}`
}

/** What people read about a key, with its provider. */
export function formatKey({ provider, owner }: CredentialKey): string {
  return `${provider} (${formatOwner(owner)})`
}
