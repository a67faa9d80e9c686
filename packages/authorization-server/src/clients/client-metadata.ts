import { parseClientKeys } from './client-keys.js'
import { cleanClientName } from './client-name.js'
import type { ClientMetadata, RedirectPolicy } from './client-policy.js'
import { MetadataRefusal } from './metadata-refusal.js'
import { isPublicHttpsUri } from './public-https-uri.js'
import { parseRedirectUris } from './redirect-uri.js'

/** A parsed JSON object that nobody has checked yet. */
export type UncheckedMetadata = Readonly<Record<string, unknown>>

type AuthMethod = ClientMetadata['token_endpoint_auth_method']

const GRANTS = ['authorization_code', 'refresh_token']
const REFUSED_GRANTS = new Set(['implicit', 'password'])
const MAX_LIST = 20
const SOFTWARE_TEXT = /^[\x20-\x7e]{1,255}$/

function refuse(member: string, rule: string): never {
  throw new MetadataRefusal('invalid_client_metadata', `${member} ${rule}`)
}

/** Reads an own member. Empty text and null mean absent: some clients send them for what they lack. */
export function readMember(body: UncheckedMetadata, member: string): unknown {
  const value = Object.hasOwn(body, member) ? body[member] : undefined
  return value === null || value === '' ? undefined : value
}

/** Reads a member that must be text when present. */
export function readText(body: UncheckedMetadata, member: string): string | undefined {
  const value = readMember(body, member)
  if (value !== undefined && typeof value !== 'string') refuse(member, 'must be text')
  return value
}

/** Reads a member that must be a list of text when present. */
export function readTexts(body: UncheckedMetadata, member: string): readonly string[] | undefined {
  const value = readMember(body, member)
  if (value === undefined) return undefined
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
    refuse(member, 'must be a list of text')
  }
  if (value.length > MAX_LIST) refuse(member, `must not have more than ${MAX_LIST} members`)
  return value
}

/**
 * Without `grant_types` a client gets refresh tokens too: its user would otherwise sign in every hour.
 * Other grants are left out, which RFC 7591 section 3.2.1 allows and the response shows.
 */
function parseGrantTypes(body: UncheckedMetadata): readonly string[] {
  const asked = readTexts(body, 'grant_types') ?? GRANTS
  if (asked.some((grant) => REFUSED_GRANTS.has(grant))) {
    refuse('grant_types', 'must not contain implicit or password')
  }
  if (!asked.includes('authorization_code')) {
    refuse('grant_types', 'must contain authorization_code')
  }
  return GRANTS.filter((grant) => asked.includes(grant))
}

function parseResponseTypes(body: UncheckedMetadata): readonly string[] {
  const asked = readTexts(body, 'response_types') ?? ['code']
  // Tokens in the redirect are what PKCE and `iss` cannot protect (OAuth 2.1 section 10.1).
  if (asked.some((type) => /(?:^| )(?:token|id_token)(?: |$)/.test(type))) {
    refuse('response_types', 'must not contain token or id_token')
  }
  if (!asked.includes('code')) refuse('response_types', 'must contain code')
  return ['code']
}

function parseWebUri(body: UncheckedMetadata, member: string): string | undefined {
  const uri = readText(body, member)
  if (uri !== undefined && !isPublicHttpsUri(uri)) refuse(member, 'must be a public https URL')
  return uri
}

function parseSoftwareText(body: UncheckedMetadata, member: string): string | undefined {
  const text = readText(body, member)
  if (text !== undefined && !SOFTWARE_TEXT.test(text)) {
    refuse(member, 'must be at most 255 printable ASCII characters')
  }
  return text
}

function parseKeys(
  body: UncheckedMetadata,
  usesKeys: boolean,
): Pick<ClientMetadata, 'jwks' | 'jwks_uri'> {
  const jwksUri = parseWebUri(body, 'jwks_uri')
  const value = readMember(body, 'jwks')
  const jwks = value === undefined ? undefined : parseClientKeys(value)
  if (jwks !== undefined && jwksUri !== undefined) refuse('jwks', 'must not stand beside jwks_uri')
  if (!usesKeys) return {}
  if (jwks !== undefined) return { jwks }
  if (jwksUri !== undefined) return { jwks_uri: jwksUri }
  return refuse('token_endpoint_auth_method', 'private_key_jwt needs jwks or jwks_uri')
}

/** The registration response is made of this, and clients reject members that are null or undefined. */
const present = <Value extends object>(value: Value): Value =>
  // Without its undefined members a value still has its type: they are optional.
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Value

/**
 * Normalises the metadata of a client, apart from how it authenticates. What is not listed in
 * {@link ClientMetadata} is dropped, `scope` above all: what a client may have is decided at consent.
 *
 * @throws MetadataRefusal when a member is refused.
 */
export function parseClientMetadata(
  body: UncheckedMetadata,
  policy: RedirectPolicy,
  methods: readonly [AuthMethod, ...AuthMethod[]],
): ClientMetadata {
  const { uris, applicationType } = parseRedirectUris(readMember(body, 'redirect_uris'), policy)
  const name = readText(body, 'client_name')
  return present({
    client_name: name === undefined ? undefined : cleanClientName(name),
    redirect_uris: uris,
    grant_types: parseGrantTypes(body),
    response_types: parseResponseTypes(body),
    token_endpoint_auth_method: methods[0],
    token_endpoint_auth_methods_supported: methods.length > 1 ? methods : undefined,
    application_type: applicationType,
    client_uri: parseWebUri(body, 'client_uri'),
    logo_uri: parseWebUri(body, 'logo_uri'),
    tos_uri: parseWebUri(body, 'tos_uri'),
    policy_uri: parseWebUri(body, 'policy_uri'),
    software_id: parseSoftwareText(body, 'software_id'),
    software_version: parseSoftwareText(body, 'software_version'),
    ...parseKeys(body, methods.includes('private_key_jwt')),
  })
}
