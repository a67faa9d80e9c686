import type { ConfigurationProblem } from '@bestviable/mcp-auth-middleware'
import { ConfigurationError } from '@bestviable/mcp-auth-middleware'
import * as z from 'zod/mini'
import type { ClientMetadata } from '../clients/client-policy.js'
import { describeIssue } from '../describe-issue.js'
import type { ClientAuthMethod, ClientInput } from './management.js'
import type { ManagementParts } from './management-parts.js'

const SUBJECT = 'clients.create'
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/
// Stands in for the redirect URI that a program without one cannot name; never stored.
const NO_REDIRECT = 'https://client.example/unused'

const texts = (error: string) => z.optional(z.array(z.string({ error }), { error }))

const Input = z.strictObject({
  clientName: z.string({ error: 'must be a name to show to people' }),
  redirectUris: texts('must be a list of URIs'),
  tokenEndpointAuthMethod: z.optional(
    z.enum(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'], {
      error: 'must be none, client_secret_basic, client_secret_post or private_key_jwt',
    }),
  ),
  grantTypes: z.optional(
    z.array(
      z.enum(['authorization_code', 'refresh_token', 'client_credentials'], {
        error: 'must hold authorization_code, refresh_token or client_credentials',
      }),
      { error: 'must be a list of grant types' },
    ),
  ),
  jwks: z.optional(z.custom<NonNullable<ClientInput['jwks']>>()),
  jwksUri: z.optional(z.string({ error: 'must be a public https URL' })),
  scopes: texts('must be a list of scopes'),
})

/** A client as it is registered, without its id and secret. */
export interface CheckedClient {
  readonly metadata: Omit<ClientMetadata, 'token_endpoint_auth_method'> & {
    readonly token_endpoint_auth_method: ClientAuthMethod
  }
  /** Scopes that it may have without a person. */
  readonly scope: string | undefined
}

const MEMBERS: Readonly<Record<string, string>> = {
  client_name: 'clientName',
  redirect_uris: 'redirectUris',
  grant_types: 'grantTypes',
  token_endpoint_auth_method: 'tokenEndpointAuthMethod',
  jwks_uri: 'jwksUri',
}

/** Turns the refusal of a registration into that of an argument: its first word names the member. */
function problemOf(description: string): ConfigurationProblem {
  const [member = ''] = description.split(' ')
  const path = MEMBERS[member] ?? (member === 'jwks' ? 'jwks' : undefined)
  return path === undefined
    ? { path: 'redirectUris', message: description }
    : { path, message: description.slice(member.length + 1) }
}

function scopeProblems(
  { scopes = [] }: ClientInput,
  isProgram: boolean,
  isScope: ManagementParts['isScope'],
): ConfigurationProblem[] {
  if (!isProgram) {
    return scopes.length === 0
      ? []
      : [{ path: 'scopes', message: 'is for client_credentials; people decide at consent' }]
  }
  if (scopes.length === 0) {
    return [{ path: 'scopes', message: 'is needed for client_credentials' }]
  }
  return scopes.flatMap((scope) => {
    if (!SCOPE.test(scope)) return [{ path: 'scopes', message: 'holds what is no scope' }]
    return isScope === undefined || isScope(scope)
      ? []
      : [{ path: 'scopes', message: `holds ${JSON.stringify(scope)}, which no resource has` }]
  })
}

/**
 * Checks a client by the rules of dynamic registration, and what only an operator can ask for.
 *
 * @throws ConfigurationError listing what is wrong.
 */
export function checkClientInput(
  input: ClientInput,
  { parseRegistration, isScope }: Pick<ManagementParts, 'parseRegistration' | 'isScope'>,
): CheckedClient {
  const shape = Input.safeParse(input)
  if (!shape.success)
    throw new ConfigurationError(SUBJECT, shape.error.issues.flatMap(describeIssue))
  const { redirectUris = [], jwks, jwksUri: jwks_uri, scopes = [] } = input
  const grants = input.grantTypes ?? ['authorization_code', 'refresh_token']
  const isProgram = grants.includes('client_credentials')
  const hasUsers = grants.includes('authorization_code')
  const method =
    input.tokenEndpointAuthMethod ?? (isProgram && !hasUsers ? 'client_secret_basic' : 'none')

  const problems = scopeProblems(input, isProgram, isScope)
  if (grants.length === 0 || (!hasUsers && !isProgram)) {
    problems.push({
      path: 'grantTypes',
      message: 'must hold authorization_code or client_credentials',
    })
  }
  if (!hasUsers && grants.includes('refresh_token')) {
    problems.push({
      path: 'grantTypes',
      message: 'can hold refresh_token beside authorization_code',
    })
  }
  if (isProgram && method === 'none') {
    const message = 'must not be none: client_credentials needs a secret or a key'
    problems.push({ path: 'tokenEndpointAuthMethod', message })
  }
  if (!hasUsers && redirectUris.length > 0) {
    problems.push({ path: 'redirectUris', message: 'is for authorization_code' })
  }
  if (method !== 'private_key_jwt' && (jwks !== undefined || jwks_uri !== undefined)) {
    const path = jwks === undefined ? 'jwksUri' : 'jwks'
    problems.push({ path, message: 'is for tokenEndpointAuthMethod private_key_jwt' })
  }
  const result = parseRegistration({
    client_name: input.clientName,
    redirect_uris: hasUsers ? redirectUris : [NO_REDIRECT],
    grant_types: hasUsers ? grants : ['authorization_code'],
    token_endpoint_auth_method: method,
    jwks,
    jwks_uri,
  })
  if (!result.ok) problems.push(problemOf(result.description))
  else if (result.metadata.client_name === undefined) {
    problems.push({ path: 'clientName', message: 'must have letters that can be seen' })
  } else if (hasUsers && result.metadata.redirect_uris.length < new Set(redirectUris).size) {
    // A program that registers itself is told what is left; an operator means what is written.
    problems.push({ path: 'redirectUris', message: 'holds a URI that is not allowed' })
  }
  if (problems.length > 0 || !result.ok) throw new ConfigurationError(SUBJECT, problems)

  const { metadata } = result
  const scope = isProgram ? [...new Set(scopes)].join(' ') : undefined
  if (!hasUsers) {
    const program = { redirect_uris: [], grant_types: ['client_credentials'], response_types: [] }
    return { metadata: { ...metadata, ...program, application_type: 'web' }, scope }
  }
  const grant_types = isProgram
    ? [...metadata.grant_types, 'client_credentials']
    : metadata.grant_types
  return { metadata: { ...metadata, grant_types }, scope }
}
