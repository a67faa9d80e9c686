import type { ClientId } from '../check.js'
import { isBuiltFromRequest } from '../http/addresses.js'
import { quote, showUrl } from '../http/quote.js'
import { type JsonObject, type MetadataProbe, textOf } from '../survey/metadata-document.js'
import { pathMetadataUrl, type ResourcePlace } from '../survey/resource-survey.js'
import { issuersOf } from '../survey/server-survey.js'
import type { Survey } from '../survey/survey.js'
import { accessState, foreignAnswer } from './surroundings.js'
import {
  type FindingInput,
  found,
  passed,
  received,
  receivedBody,
  skipped,
  type Verdict,
  verdictOf,
} from './verdict.js'

/** Clients that take a `resource` which is a prefix of the URL, as the MCP SDKs do. */
const STRICT_CLIENTS: readonly ClientId[] = ['vscode', 'claude']

/** Whether the MCP SDKs take the resource for the endpoint: same origin, and a path that it lies below. */
export function matchesAsSdk(resource: URL, endpoint: URL): boolean {
  const withSlash = (path: string): string => (path.endsWith('/') ? path : `${path}/`)
  return (
    resource.origin === endpoint.origin &&
    endpoint.pathname.length >= resource.pathname.length &&
    withSlash(endpoint.pathname).startsWith(withSlash(resource.pathname))
  )
}

function isOpen(survey: Survey): boolean {
  const status = survey.anonymous.answer?.status ?? 0
  return status >= 200 && status < 300
}

/** Why there is no document to look at, where another check says so. */
function missingDocument(survey: Survey): Verdict | undefined {
  const foreign = foreignAnswer(survey)
  if (foreign !== undefined) return foreign
  const { probes, chosen } = survey.resource
  if (chosen !== undefined) return undefined
  if (isOpen(survey)) return skipped('the server asks for no token, see DR-1')
  if (probes.some(({ state }) => state === 'redirect'))
    return skipped('the metadata is redirected, see DR-32')
  if (probes.some(({ state }) => state === 'not-json'))
    return skipped('the metadata is no JSON, see DR-6')
  return skipped('there is no metadata, see DR-5')
}

/** Why a resource is not the URL that people enter. */
function reasonOf(resource: URL, target: URL): string {
  if (resource.href === target.href) {
    return `it stands for ${showUrl(target)} and is written differently: clients that compare the text refuse it`
  }
  return matchesAsSdk(resource, target)
    ? `it is not ${showUrl(target)}; the MCP SDKs take it as the parent of the endpoint, VS Code and Claude do not`
    : `it is not ${showUrl(target)}, and not its parent either: no client takes it`
}

/** D4: `resource` is the URL that people enter. */
export function checkResource(survey: Survey): Verdict {
  const missing = missingDocument(survey)
  if (missing !== undefined) return missing
  const { target } = survey
  const { chosen, document } = survey.resource
  const text = textOf(document, 'resource')
  if (text === undefined || !URL.canParse(text)) return skipped('resource is no URL, see DR-11')
  const resource = new URL(text)
  if (isBuiltFromRequest(resource, target))
    return skipped('its scheme or host is not the public one, see DR-3')
  // Only the slash of a root may be left out: the text is what clients compare, not what it stands for.
  const isRoot = target.href === `${target.origin}/`
  if (text === target.href || (isRoot && text === target.origin))
    return passed(`resource is ${showUrl(target)}, also by the rule of the MCP SDKs`)
  const isSdkMatch = matchesAsSdk(resource, target)
  return found({
    sent: chosen?.exchange ?? '',
    received: `resource: ${quote(text)}`,
    reason: reasonOf(resource, target),
    fix: `set resource to ${quote(target.href)}, character by character, or give people the URL ${quote(text)}`,
    ...(isSdkMatch ? { clients: STRICT_CLIENTS } : {}),
  })
}

function stateWords({ exchange }: MetadataProbe): string {
  return receivedBody(exchange)
}

const COMPARED = ['resource', 'authorization_servers', 'scopes_supported'] as const

/** What two documents say differently, of what clients use. */
function differences(one: JsonObject, other: JsonObject): readonly string[] {
  return COMPARED.filter((name) => JSON.stringify(one[name]) !== JSON.stringify(other[name]))
}

function rootFindings(
  root: MetadataProbe<ResourcePlace>,
  document: JsonObject,
): readonly FindingInput[] {
  const base = { sent: root.exchange }
  if (root.state === 'absent') {
    return [
      {
        ...base,
        level: 'warning',
        received: stateWords(root),
        reason:
          'it is missing at the root, where clients look that do not know the path-inserted place',
        fix: 'answer the same document at /.well-known/oauth-protected-resource',
      },
    ]
  }
  const { document: atRoot } = root
  const [different] = atRoot === undefined ? [] : differences(atRoot, document)
  if (atRoot === undefined || different === undefined) return []
  // A host with several resources can describe one of them, or its origin, at the root.
  const own = textOf(document, 'resource')
  if (atRoot.resource !== own && atRoot.resource !== undefined) return []
  return [
    {
      ...base,
      received: `${different}: ${quote(atRoot[different])}`,
      reason: `the document at the path says ${quote(document[different])} for the same resource, so that it depends on the client what it does`,
      fix: 'serve one document at both places',
    },
  ]
}

/** D5: the document is at both places. */
export function checkPlaces(survey: Survey): Verdict {
  const foreign = foreignAnswer(survey)
  if (foreign !== undefined) return foreign
  const { probes, document } = survey.resource
  if (document === undefined && isOpen(survey))
    return skipped('the server asks for no token, see DR-1')
  const at = (place: ResourcePlace) => probes.find((each) => each.place === place)
  const [named, path, root] = [at('challenge'), at('path'), at('root')]
  if (document === undefined && probes.some(({ state }) => state === 'redirect')) {
    return skipped('the metadata is redirected, see DR-32')
  }
  if (document === undefined && probes.some(({ state }) => state === 'not-json')) {
    return skipped('the metadata is no JSON, see DR-6')
  }
  const isMissing = (each: MetadataProbe | undefined): each is MetadataProbe =>
    each?.state === 'absent' || each?.state === 'broken' || each?.state === 'unreachable'
  const fix = `answer the document at ${showUrl(pathMetadataUrl(survey.target))} and at /.well-known/oauth-protected-resource`
  if (document === undefined) {
    const [first] = [path, root].filter(isMissing)
    return found({
      sent: first?.exchange ?? '',
      received: first === undefined ? '' : stateWords(first),
      reason:
        'there is no protected resource metadata: clients guess /authorize, /token and /register on this host',
      fix,
    })
  }
  const findings: FindingInput[] = []
  const isOfAccess = accessState(survey) === 'managed'
  if (isMissing(named) && !isOfAccess) {
    findings.push({
      sent: named.exchange,
      received: stateWords(named),
      reason:
        'the URL that the challenge names is not there; SDK clients do not look elsewhere then',
      fix: 'name the URL where the document is',
    })
  }
  if (isMissing(path) && path.exchange.url.href !== named?.exchange.url.href) {
    findings.push({
      sent: path.exchange,
      received: stateWords(path),
      reason:
        'it is missing at the path-inserted place, the only one that clients of 2026-07-28 try besides the challenge',
      fix,
    })
  }
  const hasPath = path?.exchange.url.href !== root?.exchange.url.href
  if (root !== undefined && hasPath) findings.push(...rootFindings(root, document))
  const [first, other] = [named?.document, path?.document]
  const [unequal] = first === undefined || other === undefined ? [] : differences(first, other)
  if (first !== undefined && other !== undefined && unequal !== undefined) {
    findings.push({
      sent: named?.exchange ?? '',
      received: `${unequal}: ${quote(first[unequal])}`,
      reason: `the path-inserted place says ${quote(other[unequal])}`,
      fix: 'serve one document at both places',
    })
  }
  return verdictOf(
    findings,
    hasPath
      ? 'the same document is at the path-inserted place and at the root'
      : 'the document is at the root, where the endpoint is',
  )
}

/** D6: JSON where there is a document, 404 where there is none. */
export function checkWellKnownAnswers(survey: Survey): Verdict {
  const foreign = foreignAnswer(survey)
  if (foreign !== undefined) return foreign
  const { resource, server } = survey
  const asked = new Map(
    [...resource.probes, resource.legacy, ...(server?.probes ?? [])].map((each) => [
      each.exchange.url.href,
      each,
    ]),
  )
  const pageFix =
    'let the page of the site answer its own paths only; a well-known path without a document is 404 with a JSON body'
  const pages = [...asked.values()]
    .filter(({ state }) => state === 'not-json')
    .map(
      ({ exchange }): FindingInput => ({
        sent: exchange,
        received: receivedBody(exchange),
        reason:
          "clients parse this as JSON and end with Unexpected token '<' or could not register",
        fix: pageFix,
      }),
    )
  const wrongTypes = [...asked.values()]
    .filter(({ state, exchange }) => {
      const type = exchange.answer?.headers.get('content-type') ?? ''
      return state === 'document' && !/^application\/(?:[\w.+-]+\+)?json\b/i.test(type)
    })
    .map(
      ({ exchange }): FindingInput => ({
        level: 'warning',
        sent: exchange,
        received: received(exchange, 'content-type'),
        reason:
          'the document is JSON and says that it is something else, which strict clients refuse',
        fix: 'send Content-Type: application/json',
      }),
    )
  const { unknown } = resource
  const status = unknown.answer?.status ?? 0
  const isJson = unknown.answer?.json !== undefined
  const base = { sent: unknown, received: receivedBody(unknown), fix: pageFix }
  // DR-27 says so.
  const isMcp = status === 406
  // A server that is broken at every such path is so at its own, which DR-8 says.
  const isBroken = status >= 500 && server?.probes.some(({ state }) => state === 'broken') === true
  const catchAll: FindingInput[] = []
  if (status >= 200 && status < 300 && pages.length === 0) {
    const reason =
      'a well-known path that no server has is answered: clients take a page for metadata'
    catchAll.push({ ...base, reason })
  } else if (status >= 300 && status < 400) {
    const reason =
      'a well-known path that no server has is redirected: clients that follow take a page for metadata'
    catchAll.push({ ...base, received: received(unknown, 'location'), reason })
  } else if (status === 404 && !isJson && unknown.answer?.text !== '') {
    const reason = 'the 404 is a page, which some clients show as raw HTML in their error'
    catchAll.push({ ...base, level: 'warning', reason })
  } else if (status !== 404 && status !== 0 && !isMcp && !isBroken) {
    const reason = `a well-known path that no server has is answered with ${status}: clients go on, and stop at a 5xx`
    catchAll.push({ ...base, level: 'warning', reason })
  }
  return verdictOf(
    [...pages, ...catchAll, ...wrongTypes],
    'documents are JSON, and an unknown well-known path is 404',
  )
}

/** D28: one authorization server. */
export function checkOneServer(survey: Survey): Verdict {
  const missing = missingDocument(survey)
  if (missing !== undefined) return missing
  const servers = issuersOf(survey.resource.document)
  if (servers.length === 0) return skipped('no authorization server is named, see DR-7')
  if (servers.length === 1) return passed('one authorization server is named')
  return found({
    sent: survey.resource.chosen?.exchange ?? '',
    received: `authorization_servers: ${quote(servers)}`,
    reason: 'clients use the first one and never try another',
    fix: 'put the one that clients shall use first, or name it alone',
  })
}
