import { createHash } from 'node:crypto'
import {
  ConfigurationError,
  type CredentialKey,
  credentialKeyId,
  isCredentialName,
  validateCredentialKey,
} from '@bestviable/mcp-auth-middleware'

const SUFFIX = '_API_TOKEN'
const REGULAR = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/
const SERVICE_NAME = /^([A-Z0-9_]+)_API_TOKEN$/
const USER_NAME = /^([A-Z0-9_]+)_API_TOKEN__([0-9A-F]{64})$/

/**
 * Writes a provider in `[A-Z0-9_]`. Lower-case letters, digits and single hyphens become what a person
 * expects (`my-api`: `MY_API`); in every other provider all characters but lower-case letters and digits
 * are written as `__` and two hex digits, so that `my-api`, `my_api` and `MY_API` stay apart.
 */
function encodeProvider(provider: string): string {
  if (REGULAR.test(provider)) return provider.toUpperCase().replaceAll('-', '_')
  let text = ''
  for (const [index, character] of [...provider].entries()) {
    const plain = index === 0 ? /[a-z]/ : /[a-z0-9]/
    text += plain.test(character)
      ? character.toUpperCase()
      : `__${character.charCodeAt(0).toString(16).toUpperCase()}`
  }
  return text
}

function decodeProvider(text: string): string | undefined {
  const provider = text.includes('__')
    ? text.replace(/__([0-9A-F]{2})|([A-Z])/g, (_whole, hex: string | undefined, letter: string) =>
        hex === undefined ? letter.toLowerCase() : String.fromCharCode(Number.parseInt(hex, 16)),
      )
    : text.toLowerCase().replaceAll('_', '-')
  // One provider has one name: what would be written otherwise is not one of ours.
  return isCredentialName(provider) && encodeProvider(provider) === text ? provider : undefined
}

/** The digest that stands for a user in a name: upper-case hex of what audit events call `keyDigest`. */
function digestOf(key: CredentialKey): string {
  return createHash('sha256').update(credentialKeyId(key)).digest('hex').toUpperCase()
}

/** The name of the secret that holds the credential of a validated key. Injective. */
export function secretNameOf(key: CredentialKey): string {
  const service = `${encodeProvider(key.provider)}${SUFFIX}`
  return key.owner.kind === 'service' ? service : `${service}__${digestOf(key)}`
}

/** What a name tells. The owner of a user's secret is not in it. */
export type SecretNameMeaning =
  | { readonly kind: 'service'; readonly key: CredentialKey }
  | { readonly kind: 'user'; readonly provider: string }

/** Reads a name; `undefined` for secrets of others in the same folder. */
export function parseSecretName(name: string): SecretNameMeaning | undefined {
  const user = USER_NAME.exec(name)
  const provider = decodeProvider((user ?? SERVICE_NAME.exec(name))?.[1] ?? '')
  if (provider === undefined) return undefined
  if (user !== null) return { kind: 'user', provider }
  return { kind: 'service', key: { provider, owner: { kind: 'service' } } }
}

/** Where a person finds a credential in Infisical. */
export interface InfisicalSecretPlace {
  readonly folder: string
  readonly name: string
}

/** The folder of a namespace. */
export function folderOf(path: string, namespace: string): string {
  return path === '/' ? `/${namespace}` : `${path}/${namespace}`
}

/**
 * Tells which secret in which folder holds a credential, for people who create or edit it by hand.
 *
 * The service credential of `my-api` is `MY_API_API_TOKEN`. A user's own is the same with `__` and 64 hex
 * digits. `path` and `namespace` are those of the store.
 *
 * @example
 * ```ts
 * infisicalSecretFor({ provider: 'coda', owner: { kind: 'service' } })
 * // { folder: '/mcp-auth/default', name: 'CODA_API_TOKEN' }
 * ```
 *
 * @throws {@link StoreInvalidError} for a key that no store accepts, and {@link ConfigurationError} for a
 *   namespace that none accepts.
 */
export function infisicalSecretFor(
  key: CredentialKey,
  options: { readonly path?: string | undefined; readonly namespace?: string | undefined } = {},
): InfisicalSecretPlace {
  const { path = '/mcp-auth', namespace = 'default' } = options
  if (!isCredentialName(namespace)) {
    const message = 'must be 1 to 64 letters, digits, "_" or "-" and not start with "-"'
    throw new ConfigurationError('infisicalSecretFor', [{ path: 'namespace', message }])
  }
  const name = secretNameOf(validateCredentialKey(key))
  return { folder: folderOf(path, namespace), name }
}
