import { isBuiltFromRequest, mayAsk } from '../http/addresses.js'
import type { Probe } from '../http/prober.js'
import { quote } from '../http/quote.js'
import { type JsonObject, textOf, textsOf, urlOf } from '../survey/metadata-document.js'
import type { Survey } from '../survey/survey.js'
import { type AuthorizationOutcome, isAccepted, refusalOf } from './authorization-outcome.js'
import { type AuthorizationRequest, authorize, createVerifier } from './authorize.js'
import { createBrowser } from './browser.js'
import { CLIENT_DOCUMENTS, type ClientDocument } from './client-documents.js'
import {
  REDIRECT_URIS,
  type RegistrationAttempt,
  type RegistrationName,
  register,
  registrationBodies,
} from './registration.js'
import type { IssuedTokens } from './revoke.js'
import { runSession, type Session } from './session.js'

/** Names of authorization requests. */
export type AuthorizationName =
  | 'loopback'
  | 'scoped'
  | 'offline'
  | 'plain'
  | 'unproven'
  | 'otherPort'
  | 'localhostPort'
  | 'otherPath'
  | 'otherHost'
  | 'swappedHost'

/** What came of registering, asking and signing in. */
export interface ActiveSurvey {
  /** Why nothing was registered. */
  readonly reason: string | undefined
  readonly registrations: Readonly<Partial<Record<RegistrationName, RegistrationAttempt>>>
  readonly authorizations: Readonly<Partial<Record<AuthorizationName, AuthorizationOutcome>>>
  /** Requests of clients whose id is a document. Absent when the server does not take those. */
  readonly documents:
    | readonly { readonly client: ClientDocument; readonly outcome: AuthorizationOutcome }[]
    | undefined
  readonly session: Session | undefined
}

/** What an active survey has where nothing was done. */
export const NOTHING_DONE = {
  registrations: {},
  authorizations: {},
  documents: undefined,
  session: undefined,
} as const

/** Builds authorization requests that differ in what is looked at. */
function requestsFor(
  survey: Survey,
  metadata: JsonObject,
): (changes: Partial<AuthorizationRequest> & { readonly about: string }) => AuthorizationRequest {
  const scopes = textsOf(survey.resource.document, 'scopes_supported')
  return (changes) => ({
    endpoint: textOf(metadata, 'authorization_endpoint') ?? '',
    clientId: '',
    redirectUri: REDIRECT_URIS.loopback,
    challenge: createVerifier().challenge,
    method: 'S256',
    scope: scopes?.join(' '),
    resource: textOf(survey.resource.document, 'resource'),
    isSilent: true,
    ...changes,
  })
}

async function registerAll(
  probe: Probe,
  endpoint: string,
  scope: string | undefined,
  grants: readonly string[] | undefined,
  onRegistered: (attempt: RegistrationAttempt) => void,
): Promise<Readonly<Partial<Record<RegistrationName, RegistrationAttempt>>>> {
  const bodies = registrationBodies(scope, grants)
  const send = async (name: RegistrationName, about: string): Promise<RegistrationAttempt> => {
    const attempt = await register(probe, endpoint, bodies[name], about)
    onRegistered(attempt)
    return attempt
  }
  const [loopback, localhost, cursor, vscode, scoped] = await Promise.all([
    send('loopback', 'a public client on 127.0.0.1, without scope'),
    send('localhost', 'a public client on localhost, without scope, as Claude Code'),
    send('cursor', 'the three redirect URIs of Cursor'),
    send('vscode', 'the four redirect URIs of VS Code'),
    scope === undefined
      ? undefined
      : send('scoped', `a public client with scope ${quote(scope, 100)}`),
  ])
  return { loopback, localhost, cursor, vscode, ...(scoped === undefined ? {} : { scoped }) }
}

/** Asks as each registered client would, without a person. */
async function authorizeAll(
  probe: Probe,
  survey: Survey,
  metadata: JsonObject,
  registrations: ActiveSurvey['registrations'],
): Promise<ActiveSurvey['authorizations']> {
  const build = requestsFor(survey, metadata)
  const { origin } = new URL(textOf(metadata, 'authorization_endpoint') ?? '')
  const outcomes: Partial<Record<AuthorizationName, AuthorizationOutcome>> = {}
  async function ask(
    name: AuthorizationName,
    client: RegistrationName,
    changes: Partial<AuthorizationRequest> & { readonly about: string },
  ): Promise<void> {
    const clientId = registrations[client]?.clientId
    if (clientId === undefined) return
    // A browser of its own, so that no request sees what another one began.
    const browser = createBrowser(probe, origin)
    outcomes[name] = await authorize(browser, build({ clientId, ...changes }))
  }
  await Promise.all([
    ask('loopback', 'loopback', { about: 'a registered loopback redirect URI' }),
    ask('scoped', 'scoped', { about: 'a client that registered with these scopes' }),
  ])
  const { loopback } = outcomes
  const scope = textsOf(survey.resource.document, 'scopes_supported') ?? []
  const listed = textsOf(survey.server?.document, 'scopes_supported') ?? []
  // Whatever is the matter with the plain request would be the matter with these too.
  if (loopback === undefined || !isAccepted(loopback)) return outcomes
  const { challenge } = createVerifier()
  await Promise.all([
    ask('otherPort', 'loopback', {
      redirectUri: REDIRECT_URIS.otherPort,
      about: '127.0.0.1 on another port',
    }),
    ask('localhostPort', 'localhost', {
      redirectUri: REDIRECT_URIS.localhostPort,
      about: 'localhost on another port',
    }),
    ask('otherPath', 'loopback', { redirectUri: REDIRECT_URIS.otherPath, about: 'another path' }),
    ask('otherHost', 'loopback', { redirectUri: REDIRECT_URIS.otherHost, about: 'another host' }),
    ask('swappedHost', 'loopback', {
      redirectUri: REDIRECT_URIS.localhost,
      about: 'localhost in the place of 127.0.0.1',
    }),
    ask('plain', 'loopback', { challenge, method: 'plain', about: 'plain' }),
    ask('unproven', 'loopback', {
      challenge: undefined,
      method: undefined,
      about: 'no code challenge',
    }),
    // Clients add it where it is listed, and only there.
    listed.includes('offline_access')
      ? ask('offline', 'loopback', {
          scope: [...scope, 'offline_access'].join(' '),
          about: 'offline_access besides the scopes of the resource',
        })
      : undefined,
  ])
  return outcomes
}

async function askDocuments(
  probe: Probe,
  survey: Survey,
  metadata: JsonObject,
): Promise<ActiveSurvey['documents']> {
  if (metadata.client_id_metadata_document_supported !== true) return undefined
  const build = requestsFor(survey, metadata)
  const { origin } = new URL(textOf(metadata, 'authorization_endpoint') ?? '')
  return Promise.all(
    CLIENT_DOCUMENTS.filter(({ isHosted }) => isHosted).map(async (client) => {
      const { id, redirectUri, name } = client
      const request = build({ clientId: id, redirectUri, about: `the document of ${name}` })
      return { client, outcome: await authorize(createBrowser(probe, origin), request) }
    }),
  )
}

function isUsable(metadata: JsonObject, name: string, target: URL): boolean {
  const url = urlOf(metadata, name)
  return url !== undefined && mayAsk(url, target) && !isBuiltFromRequest(url, target)
}

async function signInOnce(
  probe: Probe,
  survey: Survey,
  metadata: JsonObject,
  { registrations, authorizations }: Pick<ActiveSurvey, 'registrations' | 'authorizations'>,
  onIssued: (issued: IssuedTokens) => void,
): Promise<Session | undefined> {
  const { loopback } = registrations
  const asked = authorizations.loopback
  if (loopback?.clientId === undefined || asked === undefined) return undefined
  if (!isAccepted(asked)) {
    const refusal = refusalOf(asked) ?? 'no answer'
    return {
      reason: `the authorization request is refused (${refusal === 'page' ? 'a page' : refusal})`,
    }
  }
  const { origin } = new URL(textOf(metadata, 'authorization_endpoint') ?? '')
  const scopes = textsOf(survey.resource.document, 'scopes_supported') ?? []
  // As clients do, since many servers issue refresh tokens for it alone.
  const { offline } = authorizations
  const wanted =
    offline !== undefined && isAccepted(offline) ? [...scopes, 'offline_access'] : scopes
  return runSession({
    probe,
    browser: createBrowser(probe, origin),
    target: survey.target,
    metadata,
    client: { id: loopback.clientId, secret: textOf(loopback.document, 'client_secret') },
    redirectUri: REDIRECT_URIS.loopback,
    scope: wanted.length === 0 ? undefined : wanted.join(' '),
    resource: textOf(survey.resource.document, 'resource') ?? survey.target.href,
    onIssued,
  })
}

/** Hears of what a run makes at once, so that it is removed whatever happens. */
export interface ActiveEvents {
  onRegistered(attempt: RegistrationAttempt): void
  onIssued(issued: IssuedTokens): void
}

/** Endpoints that the run would write to, as far as they may be asked. */
export function writtenEndpoints({ server, target }: Survey): readonly URL[] {
  const { document } = server ?? {}
  if (document === undefined) return []
  return ['registration_endpoint', 'authorization_endpoint', 'token_endpoint'].flatMap((name) =>
    isUsable(document, name, target) ? (urlOf(document, name) ?? []) : [],
  )
}

/**
 * Registers clients, sends authorization requests and signs in where that needs no person. Removes
 * nothing of it.
 */
export async function surveyActively(
  probe: Probe,
  survey: Survey,
  { onRegistered, onIssued }: ActiveEvents,
): Promise<ActiveSurvey> {
  const { document: metadata } = survey.server ?? {}
  if (metadata === undefined) {
    return {
      ...NOTHING_DONE,
      reason: 'there is no authorization server metadata, see DR-5 to DR-8',
    }
  }
  for (const name of ['authorization_endpoint', 'token_endpoint']) {
    if (isUsable(metadata, name, survey.target)) continue
    return {
      ...NOTHING_DONE,
      reason: `the ${name} is missing or cannot be asked, see DR-3 and DR-11`,
    }
  }
  const documents = askDocuments(probe, survey, metadata)
  if (!isUsable(metadata, 'registration_endpoint', survey.target)) {
    const reason = 'the authorization server has no registration endpoint'
    return { ...NOTHING_DONE, documents: await documents, reason }
  }
  const endpoint = textOf(metadata, 'registration_endpoint') ?? ''
  const scope = textsOf(survey.resource.document, 'scopes_supported')?.join(' ')
  const grants = textsOf(metadata, 'grant_types_supported')
  const registrations = await registerAll(probe, endpoint, scope, grants, onRegistered)
  const authorizations = await authorizeAll(probe, survey, metadata, registrations)
  const made = { registrations, authorizations }
  const session = await signInOnce(probe, survey, metadata, made, onIssued)
  const reason =
    registrations.loopback?.clientId === undefined
      ? 'no client could be registered, see DR-9 and DR-19'
      : undefined
  return { reason, registrations, authorizations, documents: await documents, session }
}
