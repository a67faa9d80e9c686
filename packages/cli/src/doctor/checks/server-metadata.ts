import type { ActiveSurvey } from '../active/active-survey.js'
import { describeOutcome, refusalOf } from '../active/authorization-outcome.js'
import type { ClientId } from '../check.js'
import { isBuiltFromRequest } from '../http/addresses.js'
import { describeFailure } from '../http/connection-failure.js'
import { quote, showUrl } from '../http/quote.js'
import { type MetadataProbe, textOf } from '../survey/metadata-document.js'
import { issuersOf, type ServerSurvey } from '../survey/server-survey.js'
import type { Survey } from '../survey/survey.js'
import { findShapeFaults, OpenIdMetadata, ResourceMetadata, ServerMetadata } from './schemas.js'
import { foreignAnswer } from './surroundings.js'
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

/** Why the metadata of the authorization server cannot be looked at, where another check says so. */
export function missingServer(survey: Survey): Verdict | undefined {
  const { server } = survey
  const foreign = foreignAnswer(survey)
  if (foreign !== undefined) return foreign
  if (server === undefined) {
    return skipped(
      survey.resource.document === undefined
        ? 'there is no protected resource metadata, see DR-1, DR-5, DR-6 and DR-32'
        : 'the resource names no authorization server, see DR-7',
    )
  }
  if (server.document !== undefined) return undefined
  return skipped('there is no authorization server metadata, see DR-6, DR-7, DR-8 and DR-32')
}

/** D7: the issuer is the one that the resource names, byte by byte. */
export function checkIssuer(survey: Survey, configured: readonly FindingInput[]): Verdict {
  const { resource, server, target } = survey
  const foreign = foreignAnswer(survey)
  if (foreign !== undefined) return foreign
  if (resource.document === undefined)
    return skipped('there is no protected resource metadata, see DR-1 and DR-5')
  const sent = resource.chosen?.exchange ?? ''
  const fix =
    'use one string for the issuer everywhere: in authorization_servers, in the metadata, in iss'
  if (resource.document.authorization_servers === null)
    return skipped('authorization_servers is null, see DR-11')
  if (server === undefined) {
    const reason = 'the resource names no authorization server; clients guess that it is one itself'
    return found({
      sent,
      received: `authorization_servers: ${quote(issuersOf(resource.document))}`,
      reason,
      fix: 'name the issuer in authorization_servers',
    })
  }
  if (!URL.canParse(server.issuer)) {
    const reason = 'the authorization server is no URL'
    return found({
      sent,
      received: `authorization_servers[0]: ${quote(server.issuer)}`,
      reason,
      fix,
    })
  }
  const different = server.probes
    .map(({ exchange, document }) => ({ exchange, issuer: textOf(document, 'issuer') }))
    .filter(({ issuer }) => issuer !== undefined && issuer !== server.issuer)
    .filter(
      ({ issuer = '' }) => !URL.canParse(issuer) || !isBuiltFromRequest(new URL(issuer), target),
    )
  if (missingServer(survey) !== undefined) return missingServer(survey) ?? skipped('')
  const findings = different.map(
    ({ exchange, issuer = '' }): FindingInput => ({
      sent: exchange,
      received: `issuer: ${quote(issuer)}`,
      reason: `the resource names ${quote(server.issuer)}; clients compare the two byte by byte (RFC 8414 section 3.3)${
        issuer.replace(/\/$/, '') === server.issuer.replace(/\/$/, '')
          ? ', and a slash at the end counts'
          : ''
      }`,
      fix,
    }),
  )
  if (findings.length === 0 && textOf(server.document, 'issuer') !== server.issuer) {
    return skipped('the issuer has another scheme or host, or is missing, see DR-3 and DR-11')
  }
  return verdictOf(
    [...findings, ...configured],
    `the issuer is ${quote(server.issuer)} in both documents`,
  )
}

function unreachable(server: ServerSurvey): FindingInput | undefined {
  const probe = server.probes.find(({ state }) => state === 'unreachable')
  const { exchange } = probe ?? {}
  if (exchange?.failure === undefined || server.document !== undefined) return undefined
  return {
    sent: exchange,
    received: received(exchange),
    reason: describeFailure(exchange.failure, exchange.url),
    fix: 'make the authorization server reachable for clients, from the internet where they run there',
  }
}

/** D8: the metadata is where clients look. */
export function checkServerPlaces(survey: Survey): Verdict {
  const { server } = survey
  if (server === undefined) return missingServer(survey) ?? skipped('')
  if (server.url === undefined) {
    return skipped(
      URL.canParse(server.issuer)
        ? 'the issuer is not a public address, see DR-3; it was not asked'
        : 'the issuer is no URL, see DR-7',
    )
  }
  const failure = unreachable(server)
  if (failure !== undefined) return found(failure)
  const broken = server.probes
    .filter(({ state }) => state === 'broken')
    .map(
      ({ exchange }): FindingInput => ({
        sent: exchange,
        received: receivedBody(exchange),
        reason: 'SDK clients stop at a 5xx and look nowhere else',
        fix: 'answer the document, or 404',
      }),
    )
  const served = server.probes.filter(({ state }) => state === 'document').map(({ place }) => place)
  if (served.length === 0) {
    if (broken.length > 0) return verdictOf(broken, '')
    if (server.probes.some(({ state }) => state === 'redirect'))
      return skipped('the metadata is redirected, see DR-32')
    if (server.probes.some(({ state }) => state === 'not-json'))
      return skipped('the metadata is no JSON, see DR-6')
    const [first] = server.probes
    return found({
      sent: server.probes.map(({ exchange }) => exchange.sent).join('; '),
      received: first === undefined ? '' : receivedBody(first.exchange),
      reason: 'the authorization server has no metadata at any place where clients look',
      fix: `answer RFC 8414 metadata at ${showUrl(first?.exchange.url ?? server.issuer)}`,
    })
  }
  if (!served.includes('oauth')) {
    const [oauth] = server.probes
    broken.push({
      level: 'warning',
      sent: oauth?.exchange ?? '',
      received: oauth === undefined ? '' : received(oauth.exchange),
      reason: server.hasPath
        ? 'an issuer with a path has its metadata only in the OpenID form, which clients before 2025-11-25 do not try'
        : 'only the OpenID document is there; clients before 2025-11-25 know RFC 8414 alone',
      fix: `answer the same document at ${showUrl(oauth?.exchange.url ?? server.issuer)}`,
      clients: [],
    })
  }
  return verdictOf(
    broken,
    `found at ${served.length} of ${server.probes.length} places, the first one among them`,
  )
}

function shapeFindings(
  { exchange, document }: Pick<MetadataProbe, 'exchange' | 'document'>,
  schema: Parameters<typeof findShapeFaults>[0],
): readonly FindingInput[] {
  const faults = document === undefined ? [] : findShapeFaults(schema, document)
  if (faults.length === 0) return []
  return [
    {
      sent: exchange,
      received: faults
        .slice(0, 10)
        .map(({ member, problem }) => `${quote(member, 60)} ${problem}`)
        .join(', '),
      reason: 'clients of the MCP SDKs end with a ZodError',
      fix: 'leave members without a value out instead of sending null, and send those that are required',
    },
  ]
}

/** D11: the shape that SDK clients require. */
export function checkShapes(survey: Survey, registration: readonly FindingInput[]): Verdict {
  const foreign = foreignAnswer(survey)
  if (foreign !== undefined) return foreign
  const { resource, server } = survey
  const { chosen } = resource
  const findings = [
    ...(chosen === undefined ? [] : shapeFindings(chosen, ResourceMetadata)),
    // The SDKs read the first document that is there.
    ...(server?.chosen === undefined
      ? []
      : shapeFindings(
          server.chosen,
          server.chosen.place === 'oauth' ? ServerMetadata : OpenIdMetadata,
        )),
    ...registration,
  ]
  if (chosen === undefined && server === undefined)
    return skipped('there is no document to look at, see DR-1 and DR-5')
  return verdictOf(
    findings,
    'every document has the members and types that the MCP SDKs require, and no null',
  )
}

const ENTRA_CLIENTS: readonly ClientId[] = ['claude', 'claude-code', 'vscode', 'mcp-remote']

/** D24: Microsoft Entra as the authorization server. */
export function checkEntra(survey: Survey, active: ActiveSurvey | undefined): Verdict {
  const { server, resource, target } = survey
  if (server === undefined)
    return skipped('no authorization server is named, see DR-1, DR-5 and DR-7')
  const host = URL.canParse(server.issuer) ? new URL(server.issuer).hostname : ''
  const isEntra =
    /^(?:login\.microsoftonline\.(?:com|us)|sts\.windows\.net|login\.partner\.microsoftonline\.cn)$/.test(
      host,
    )
  const asked = active?.authorizations.loopback
  const hasOwnResource = textOf(resource.document, 'resource') === target.href
  if (!hasOwnResource && asked !== undefined && refusalOf(asked) === 'invalid_target') {
    return skipped('the metadata names another resource, see DR-3, DR-4 and DR-11')
  }
  if (asked !== undefined && refusalOf(asked) === 'invalid_target') {
    return found({
      sent: asked.exchange,
      received: describeOutcome(asked),
      reason:
        'the resource of the metadata is refused as the resource parameter, which MCP clients always send',
      fix: 'register the resource at the authorization server, character by character',
    })
  }
  if (!isEntra) return passed('the authorization server is not Microsoft Entra')
  return found({
    sent: 'authorization_servers of the protected resource metadata',
    received: quote(server.issuer),
    reason:
      'Entra refuses the resource parameter that MCP clients send (AADSTS9010010, AADSTS901002), registers no clients and does not advertise PKCE',
    fix: 'put the embedded authorization server in front with microsoft() as its login; or set the App ID URI of the API to the MCP URL without a slash at the end and pre-register each client',
    clients: ENTRA_CLIENTS,
  })
}

const nameOf = (sent: FindingInput['sent']): string => (typeof sent === 'string' ? sent : sent.sent)

/** D32: no redirects on metadata. */
export function checkRedirects(survey: Survey): Verdict {
  const { resource, server, target } = survey
  const foreign = foreignAnswer(survey)
  if (foreign !== undefined) return foreign
  const asked = [...resource.probes, ...(server?.probes ?? [])]
  const findings = asked.flatMap(({ redirect, document }): FindingInput[] => {
    if (redirect === undefined) return []
    const isFollowed = document !== undefined
    return [
      {
        level: isFollowed ? 'warning' : 'failed',
        sent: redirect,
        received: received(redirect, 'location'),
        reason: isFollowed
          ? 'SDK clients follow it within the origin, others do not'
          : 'SDK clients follow redirects of metadata within the origin only, and this one leads to no document there',
        fix: 'answer the document itself',
      },
    ]
  })
  const unique = [...new Map(findings.map((each) => [nameOf(each.sent), each])).values()]
  const seen = asked.some(({ exchange }) => exchange.answer !== undefined)
  if (!seen) return skipped(`no metadata of ${target.host} answered`)
  return verdictOf(unique, 'no place of the metadata answers with a redirect')
}
