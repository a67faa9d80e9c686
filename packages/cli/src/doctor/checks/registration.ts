import type { ActiveSurvey } from '../active/active-survey.js'
import { describeOutcome, isAccepted, refusalOf } from '../active/authorization-outcome.js'
import type { RegistrationAttempt } from '../active/registration.js'
import type { ClientId } from '../check.js'
import { CLIENT_NAMES } from '../check.js'
import type { DocumentFetches } from '../configuration/document-fetches.js'
import { describeFailure } from '../http/connection-failure.js'
import type { Exchange } from '../http/prober.js'
import { quote } from '../http/quote.js'
import { isJsonObject, textsOf } from '../survey/metadata-document.js'
import type { Survey } from '../survey/survey.js'
import { preRegistration } from './pre-registration.js'
import { findShapeFaults, Registration } from './schemas.js'
import { missingServer } from './server-metadata.js'
import {
  type FindingInput,
  found,
  NEEDS_ACTIVE,
  passed,
  received,
  receivedError,
  skipped,
  type Verdict,
  verdictOf,
} from './verdict.js'

const WITHOUT_DOCUMENT: readonly ClientId[] = ['cursor', 'inspector', 'mcp-remote']

/** D9: clients can register, or bring a document. */
export function checkRegistration(
  survey: Survey,
  active: ActiveSurvey | undefined,
  client: ClientId | undefined,
): Verdict {
  const missing = missingServer(survey)
  if (missing !== undefined) return missing
  const { document, chosen } = survey.server ?? {}
  const endpoint = document?.registration_endpoint
  const takesDocuments = document?.client_id_metadata_document_supported === true
  if (endpoint === null) return skipped('registration_endpoint is null, see DR-11')
  const sent = chosen?.exchange ?? ''
  const shown = 'no registration_endpoint'
  const fix = `offer dynamic registration or client id metadata documents, or register each client by hand: ${preRegistration(client).join('; ')}`
  if (endpoint === undefined && !takesDocuments) {
    const reason =
      'the authorization server takes neither registrations nor client id metadata documents: clients do not support dynamic client registration, they say'
    return found({
      sent,
      received: `${shown}, no client_id_metadata_document_supported`,
      reason,
      fix,
    })
  }
  if (endpoint === undefined) {
    const isOne = client !== undefined && WITHOUT_DOCUMENT.includes(client)
    const names = WITHOUT_DOCUMENT.map((each) => CLIENT_NAMES[each]).join(', ')
    return found({
      level: isOne ? 'failed' : 'warning',
      sent,
      received: shown,
      reason: `clients without a document of their own (${names}) cannot register themselves`,
      fix,
      clients: WITHOUT_DOCUMENT,
    })
  }
  const attempts = Object.values(active?.registrations ?? {})
  const [first] = attempts
  if (first !== undefined && attempts.every(({ clientId }) => clientId === undefined)) {
    return found({
      sent: first.exchange,
      received:
        first.document === undefined
          ? receivedError(first.exchange)
          : 'an answer without client_id',
      reason: 'no registration is taken, whatever it holds',
      fix: 'take registrations without an initial access token, from everybody',
    })
  }
  const ways = takesDocuments ? 'registration and documents are' : 'registration is'
  return passed(`${ways} offered${attempts.length > 0 ? ', and a registration was taken' : ''}`)
}

function taken(attempts: readonly RegistrationAttempt[]): readonly RegistrationAttempt[] {
  return attempts.filter(({ document }) => document !== undefined)
}

/** D12: 201. */
export function checkCreated(active: ActiveSurvey | undefined): Verdict {
  if (active === undefined) return skipped(NEEDS_ACTIVE)
  const answers = taken(Object.values(active.registrations))
  const [first] = answers
  if (first === undefined) return skipped(active.reason ?? 'no registration was taken, see DR-9')
  const other = answers.find(({ exchange }) => exchange.answer?.status !== 201)
  if (other === undefined) return passed('a registration is answered with 201')
  return found({
    sent: other.exchange,
    received: received(other.exchange),
    reason:
      'a registration is answered with 201 (RFC 7591 section 3.2.1); strict clients refuse others',
    fix: 'answer 201 Created',
  })
}

/** D13: the lists of Cursor and VS Code. */
export function checkRedirectLists(active: ActiveSurvey | undefined): Verdict {
  if (active === undefined) return skipped(NEEDS_ACTIVE)
  const { cursor, vscode, loopback, localhost, scoped } = active.registrations
  const simple = [loopback, localhost, scoped].filter((each) => each !== undefined)
  if (simple.length === 0)
    return skipped(active.reason ?? 'the server has no registration endpoint')
  if (taken(simple).length === 0) return skipped('no registration is taken at all, see DR-9')
  // The list of Cursor comes without scope, as that of the first client.
  const isWithoutScope =
    taken([loopback, localhost].filter((each) => each !== undefined)).length > 0
  const lists = [
    { attempt: isWithoutScope ? cursor : undefined, client: 'cursor' as const },
    { attempt: vscode, client: 'vscode' as const },
  ]
  const findings = lists.flatMap(({ attempt, client }): FindingInput[] =>
    attempt === undefined || attempt.document !== undefined
      ? []
      : [
          {
            sent: attempt.exchange,
            received: receivedError(attempt.exchange),
            reason: `the whole registration is refused because of one redirect URI in it: ${CLIENT_NAMES[client]} always sends this list`,
            fix:
              client === 'cursor'
                ? 'keep the redirect URIs that your policy takes and drop the others; allow cursor://anysphere.cursor-mcp/oauth/callback by name'
                : 'keep the redirect URIs that your policy takes and drop the others; http is fine on 127.0.0.1',
            clients: [client],
          },
        ],
  )
  return verdictOf(findings, 'both lists are taken')
}

/** D11, of the answers to registrations. */
export function registrationShapes(active: ActiveSurvey | undefined): readonly FindingInput[] {
  const [first] = taken(Object.values(active?.registrations ?? {}))
  const faults = first?.document === undefined ? [] : findShapeFaults(Registration, first.document)
  // Without an id there is no registration at all, which is DR-9.
  const own = faults.filter(({ member }) => member !== 'client_id')
  if (first === undefined || own.length === 0) return []
  return [
    {
      sent: first.exchange,
      received: own.map(({ member, problem }) => `${quote(member, 60)} ${problem}`).join(', '),
      reason: 'the answer to a registration makes clients of the MCP SDKs end with a ZodError',
      fix: 'send redirect_uris, and leave members without a value out instead of sending null',
    },
  ]
}

function isDocument({ answer }: Exchange): boolean {
  return answer?.status === 200 && isJsonObject(answer.json)
}

/** D15: the documents can be fetched from here. */
export function checkDocumentFetches(
  survey: Survey,
  fetches: DocumentFetches | undefined,
): Verdict {
  if (fetches === undefined) {
    return skipped('needs --config, where the server runs')
  }
  if (survey.server?.document?.client_id_metadata_document_supported !== true) {
    return skipped('the authorization server does not take documents')
  }
  const findings = fetches.flatMap(({ client, exchange }): FindingInput[] => {
    const { failure, url } = exchange
    if (isDocument(exchange)) return []
    return [
      {
        sent: exchange,
        received: received(exchange, 'content-type'),
        reason:
          failure === undefined
            ? `the document of ${client.name} cannot be read from here; edges of vendors challenge addresses of clouds`
            : describeFailure(failure, url),
        fix: 'let the server out to this host, pin a copy of the document, or keep dynamic registration as the other way',
        clients: [client.client],
      },
    ]
  })
  return verdictOf(findings, `${fetches.length} documents of clients can be fetched from here`)
}

/** D16: the documents of ChatGPT and Claude are accepted. */
export function checkDocuments(
  survey: Survey,
  active: ActiveSurvey | undefined,
  fetches: DocumentFetches | undefined,
): Verdict {
  if (active === undefined) return skipped(NEEDS_ACTIVE)
  const { documents } = active
  if (documents === undefined) {
    return skipped(
      missingServer(survey)?.kind === 'skipped'
        ? 'there is no authorization server metadata'
        : 'the authorization server does not take documents',
    )
  }
  const control = active.authorizations.loopback
  const isUnreadable = (id: string): boolean =>
    fetches?.some(({ client, exchange }) => client.id === id && !isDocument(exchange)) === true
  const denied = documents.filter(({ outcome }) => refusalOf(outcome) !== undefined)
  const refused = denied.filter(({ client }) => !isUnreadable(client.id))
  const isOnlyUnreadable = denied.length > 0 && refused.length === 0
  if (isOnlyUnreadable) return skipped('the documents cannot be fetched here, see DR-15')
  const unavailable = documents.filter(({ outcome }) => outcome.kind === 'unavailable')
  const isOrdinary = control === undefined || isAccepted(control)
  if (!isOrdinary)
    return skipped('a plain authorization request is refused, see DR-10, DR-14, DR-18 and DR-19')
  const findings = refused.map(
    ({ client, outcome }): FindingInput => ({
      sent: outcome.exchange,
      received: describeOutcome(outcome),
      reason:
        client.client === 'chatgpt'
          ? 'the document of ChatGPT is refused. Its default is private_key_jwt, and it lists none besides'
          : 'the document of Claude is refused. It lists the grant jwt-bearer, which is to be ignored',
      fix: 'use what the server supports of a document and ignore unknown grants and methods; when the log says that the document could not be fetched, see DR-15',
      clients: [client.client],
    }),
  )
  if (findings.length === 0 && unavailable.length > 0) {
    return skipped('the authorization server could not fetch the documents now, see DR-15')
  }
  return verdictOf(findings, 'requests with the documents of ChatGPT and Claude are taken')
}

/** D17: documents need public clients. */
export function checkPublicClients(survey: Survey): Verdict {
  const missing = missingServer(survey)
  if (missing !== undefined) return missing
  const { document, chosen } = survey.server ?? {}
  if (document?.client_id_metadata_document_supported !== true) {
    return passed('the authorization server does not take documents')
  }
  const methods = textsOf(document, 'token_endpoint_auth_methods_supported')
  if (methods?.includes('none') === true) return passed('documents and public clients are taken')
  return found({
    sent: chosen?.exchange ?? '',
    received: `token_endpoint_auth_methods_supported: ${methods === undefined ? 'absent' : quote(methods)}`,
    reason:
      'Claude uses its document only where "none" is listed, and else registers a new client at each connection',
    fix: 'list "none" in token_endpoint_auth_methods_supported',
  })
}

/** D19: default scopes for a client that names none. */
export function checkDefaultScopes(active: ActiveSurvey | undefined): Verdict {
  if (active === undefined) return skipped(NEEDS_ACTIVE)
  const { loopback, scoped } = active.registrations
  if (loopback === undefined)
    return skipped(active.reason ?? 'the server has no registration endpoint')
  const fix = 'give a client that names no scopes the default ones of the resource'
  if (loopback.document === undefined) {
    if (scoped?.document === undefined) return skipped('no registration is taken, see DR-9')
    return found({
      sent: loopback.exchange,
      received: receivedError(loopback.exchange),
      reason: 'a registration without scope is refused, and with scope it is taken',
      fix,
    })
  }
  const plain = active.authorizations.loopback
  const withScopes = active.authorizations.scoped
  if (plain !== undefined && refusalOf(plain) === 'invalid_scope') {
    if (withScopes === undefined || !isAccepted(withScopes)) {
      return skipped('the scopes are refused to every client, see DR-18')
    }
    return found({
      sent: plain.exchange,
      received: describeOutcome(plain),
      reason:
        'a client that registered without scope may ask for none, and one that named them may',
      fix,
    })
  }
  if (loopback.document.scope === '') {
    return found({
      level: plain !== undefined && isAccepted(plain) ? 'warning' : 'failed',
      sent: loopback.exchange,
      received: 'scope: ""',
      reason: 'the client is registered with an empty scope; some clients then ask for nothing',
      fix,
    })
  }
  if (plain === undefined || !isAccepted(plain)) {
    return skipped('a plain authorization request is refused, see DR-10, DR-14 and DR-24')
  }
  return passed('a client that registered without scope may ask for the scopes of the resource')
}
