import * as z from 'zod/mini'
import { CLIENT_AUTH_METHODS } from './clients.js'
import { type EndpointRequest, type EndpointResponse, NO_STORE, Refusal } from './endpoint.js'
import { epochSeconds, type IssuerContext } from './issuer-context.js'
import { redirectUriProblem } from './redirect-uri.js'

const SUPPORTED_GRANTS = ['authorization_code', 'refresh_token']
const ECHOED_TEXT = ['client_name', 'scope', 'application_type', 'software_id', 'software_version']
const ECHOED_URIS = ['client_uri', 'logo_uri', 'tos_uri', 'policy_uri']

const TextList = z.array(z.string())

// Loose: clients send members of their own, which the server may ignore (RFC 7591 section 2).
const Registration = z.looseObject({
  redirect_uris: z.array(z.unknown()).check(z.minLength(1), z.maxLength(10)),
  grant_types: z.optional(TextList),
  response_types: z.optional(TextList),
  token_endpoint_auth_method: z.optional(z.enum(CLIENT_AUTH_METHODS)),
})

function checkRedirectUris(uris: readonly unknown[]): readonly string[] {
  return uris.map((uri) => {
    const problem = redirectUriProblem(uri)
    if (problem !== undefined) throw new Refusal('invalid_redirect_uri', problem)
    return String(uri)
  })
}

function parseRegistration({ json }: EndpointRequest): z.infer<typeof Registration> {
  if (json === undefined) {
    throw new Refusal('invalid_client_metadata', 'the body must be a JSON object')
  }
  const result = Registration.safeParse(json)
  if (result.success) return result.data
  const field = String(result.error.issues[0]?.path[0] ?? 'the body')
  throw new Refusal(
    field === 'redirect_uris' ? 'invalid_redirect_uri' : 'invalid_client_metadata',
    `${field} is not usable`,
  )
}

/** Grants that the client will have: what it asked for, without those that nobody offers here. */
function selectGrants(asked: readonly string[] = ['authorization_code']): readonly string[] {
  const grants = asked.filter((grant) => SUPPORTED_GRANTS.includes(grant))
  if (!grants.includes('authorization_code') || asked.includes('implicit')) {
    throw new Refusal('invalid_client_metadata', 'only the authorization code grant is offered')
  }
  return grants
}

function selectEchoed(metadata: Readonly<Record<string, unknown>>): Record<string, string> {
  const echoed: Record<string, string> = {}
  for (const name of ECHOED_TEXT) {
    const value = metadata[name]
    if (typeof value === 'string') echoed[name] = value
  }
  for (const name of ECHOED_URIS) {
    const value = metadata[name]
    if (typeof value !== 'string' || value === '') continue
    if (!/^https?:\/\//i.test(value) || !URL.canParse(value)) {
      throw new Refusal('invalid_client_metadata', `${name} must be an http or https URL`)
    }
    echoed[name] = value
  }
  return echoed
}

/** Dynamic client registration (RFC 7591 section 3). Members with nothing to say are left out. */
export function answerRegistration(
  context: IssuerContext,
  request: EndpointRequest,
): EndpointResponse {
  const metadata = parseRegistration(request)
  const redirectUris = checkRedirectUris(metadata.redirect_uris)
  const grants = selectGrants(metadata.grant_types)
  if (metadata.response_types?.some((type) => type !== 'code') === true) {
    throw new Refusal('invalid_client_metadata', 'only the response type code is offered')
  }
  const echoed = selectEchoed(metadata)
  const method = metadata.token_endpoint_auth_method ?? 'client_secret_basic'
  const client = context.clients.add(
    { redirectUris, mayRefresh: grants.includes('refresh_token'), configured: false },
    method,
  )
  return {
    status: 201,
    headers: NO_STORE,
    body: {
      client_id: client.clientId,
      client_id_issued_at: epochSeconds(context),
      ...(client.clientSecret !== undefined && {
        client_secret: client.clientSecret,
        client_secret_expires_at: 0,
      }),
      redirect_uris: redirectUris,
      grant_types: grants,
      response_types: ['code'],
      token_endpoint_auth_method: method,
      ...echoed,
    },
  }
}
