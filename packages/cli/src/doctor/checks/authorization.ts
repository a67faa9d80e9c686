import type { ActiveSurvey } from '../active/active-survey.js'
import { describeOutcome, isAccepted, refusalOf } from '../active/authorization-outcome.js'
import type { ClientId } from '../check.js'
import { quote } from '../http/quote.js'
import { textOf, textsOf } from '../survey/metadata-document.js'
import type { Survey } from '../survey/survey.js'
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

/** A title says more than what was only read in a document. */
function unprovenHint(active: ActiveSurvey | undefined): readonly string[] {
  return active === undefined ? ['only advertised; --active proves it by real requests'] : []
}

/** D10: S256 is advertised, works, and cannot be left out. */
export function checkCodeChallenge(survey: Survey, active: ActiveSurvey | undefined): Verdict {
  const missing = missingServer(survey)
  if (missing !== undefined) return missing
  const probes = (survey.server?.probes ?? []).filter(({ document }) => document !== undefined)
  if (probes.some(({ document }) => document?.code_challenge_methods_supported === null)) {
    return skipped('code_challenge_methods_supported is null, see DR-11')
  }
  const fix =
    'support S256 alone and say so: "code_challenge_methods_supported": ["S256"], in both documents'
  const findings = probes
    .filter(
      ({ document }) =>
        !(textsOf(document, 'code_challenge_methods_supported') ?? []).includes('S256'),
    )
    .map(({ exchange, document }): FindingInput => {
      const value = document?.code_challenge_methods_supported
      const isAbsent = value === undefined
      return {
        sent: exchange,
        received: `code_challenge_methods_supported: ${isAbsent ? 'absent' : quote(value)}`,
        reason: isAbsent
          ? 'clients must refuse a server that does not advertise PKCE with S256; ChatGPT and Claude do'
          : 'S256 is not among the methods: no client goes on',
        fix,
        // The SDKs go on where the member is missing, and refuse a list without S256.
        ...(isAbsent ? { clients: ['chatgpt', 'claude'] as const } : {}),
      }
    })
  const { authorizations, session } = active ?? {}
  const { plain, unproven } = authorizations ?? {}
  if (plain !== undefined && isAccepted(plain)) {
    findings.push({
      sent: plain.exchange,
      received: describeOutcome(plain),
      reason:
        'a request with code_challenge_method=plain is taken, so that who sees it can redeem the code',
      fix: 'refuse plain with invalid_request',
    })
  }
  if (unproven !== undefined && isAccepted(unproven)) {
    findings.push({
      level: 'warning',
      sent: unproven.exchange,
      received: describeOutcome(unproven),
      reason: 'a request of a public client without a code challenge is taken',
      fix: 'require PKCE of every client (OAuth 2.1 section 4.1.1)',
    })
  }
  const { wrongVerifier, exchange } = session ?? {}
  if (wrongVerifier?.answer?.status === 200) {
    findings.push({
      sent: wrongVerifier,
      received: received(wrongVerifier),
      reason: 'a code is redeemed with a verifier that does not fit: PKCE is not checked',
      fix: 'compare the SHA-256 of code_verifier with the code_challenge of the request',
    })
  } else if (exchange?.answer !== undefined && exchange.answer.status !== 200) {
    findings.push({
      sent: exchange,
      received: receivedError(exchange),
      reason: 'a code is not redeemed with its verifier',
      fix: 'compare base64url(SHA-256(code_verifier)), without padding, with the code_challenge of the request',
      clients: ['chatgpt', 'claude', 'claude-code', 'cursor', 'vscode', 'inspector', 'mcp-remote'],
    })
  }
  const { loopback } = authorizations ?? {}
  const refusal = loopback === undefined ? undefined : refusalOf(loopback)
  // Those that other checks are about are left to them.
  if (
    loopback !== undefined &&
    refusal !== undefined &&
    !['page', 'invalid_scope', 'invalid_target'].includes(refusal)
  ) {
    findings.push({
      sent: loopback.exchange,
      received: describeOutcome(loopback),
      reason: `a complete authorization request with S256 is refused with ${quote(refusal, 60)}`,
      fix: 'take response_type=code with code_challenge_method=S256 and resource; the log of the authorization server says what it lacks',
      clients: ['chatgpt', 'claude', 'claude-code', 'cursor', 'vscode', 'inspector', 'mcp-remote'],
    })
  }
  const proven = exchange?.answer?.status === 200 ? ', and a real exchange proves it' : ''
  return verdictOf(findings, `S256 is advertised${proven}`, ...unprovenHint(active))
}

/** D14: loopback redirect URIs on any port, and nothing else. */
export function checkLoopback(active: ActiveSurvey | undefined): Verdict {
  if (active === undefined) return skipped(NEEDS_ACTIVE)
  const { loopback, otherPort, localhostPort, otherPath, otherHost, swappedHost } =
    active.authorizations
  if (loopback === undefined)
    return skipped(active.reason ?? 'no client could be registered, see DR-9')
  if (!isAccepted(loopback) && refusalOf(loopback) !== 'page') {
    return skipped('a plain authorization request is refused, see DR-10, DR-18, DR-19 and DR-24')
  }
  const must: readonly (readonly [typeof loopback | undefined, string])[] = [
    [loopback, 'a loopback redirect URI is refused as it was registered'],
    [
      otherPort,
      'a redirect URI on 127.0.0.1 is compared with its port; native clients take a free one at each start (RFC 8252 section 7.3)',
    ],
    [
      localhostPort,
      'a redirect URI on localhost is compared with its port; Claude Code and mcp-remote take a free one',
    ],
  ]
  const mustNot: readonly (readonly [typeof loopback | undefined, string])[] = [
    [otherPath, 'another path than the registered one is taken'],
    [otherHost, 'another host than the registered one is taken: codes can be sent anywhere'],
    [swappedHost, 'localhost is taken where 127.0.0.1 was registered, which is another host'],
  ]
  const refused = must.flatMap(([outcome, reason]): FindingInput[] =>
    outcome === undefined || isAccepted(outcome) || outcome.kind === 'unavailable'
      ? []
      : [
          {
            sent: outcome.exchange,
            received: describeOutcome(outcome),
            reason,
            fix: 'compare scheme, host and path of a loopback redirect URI, and let the port be any',
          },
        ],
  )
  const taken = mustNot.flatMap(([outcome, reason]): FindingInput[] =>
    outcome !== undefined && isAccepted(outcome)
      ? [
          {
            sent: outcome.exchange,
            received: describeOutcome(outcome),
            reason,
            fix: 'compare redirect URIs character by character, but for the port of loopback ones',
          },
        ]
      : [],
  )
  return verdictOf(
    [...refused.slice(0, loopback !== undefined && !isAccepted(loopback) ? 1 : 3), ...taken],
    'loopback redirect URIs match on any port; other paths and hosts are refused',
  )
}

/** D18: the scopes of the resource and `offline_access` can be asked for. */
export function checkScopes(survey: Survey, active: ActiveSurvey | undefined): Verdict {
  const missing = missingServer(survey)
  if (missing !== undefined) return missing
  const { resource, server, challenge } = survey
  const offered = textsOf(resource.document, 'scopes_supported') ?? []
  const known = textsOf(server?.document, 'scopes_supported')
  const findings: FindingInput[] = []
  const unknown = known === undefined ? [] : offered.filter((scope) => !known.includes(scope))
  if (unknown.length > 0) {
    findings.push({
      level: 'warning',
      sent: server?.chosen?.exchange ?? '',
      received: `scopes_supported: ${quote(known)}`,
      reason: `clients ask for ${quote(unknown)} of the resource, which the authorization server does not list`,
      fix: 'list the scopes of the resource at the authorization server, or take them out of the resource metadata',
    })
  }
  const asked = [...(challenge?.scope?.split(' ') ?? []), ...offered]
  if (asked.includes('offline_access')) {
    findings.push({
      level: 'warning',
      sent: resource.chosen?.exchange ?? '',
      received: `scope: ${quote(challenge?.scope ?? '')}, scopes_supported: ${quote(offered)}`,
      reason:
        'offline_access is no scope of a resource; clients add it by themselves where the authorization server lists it',
      fix: 'take it out of the challenge and of the resource metadata',
    })
  }
  const { loopback, scoped, offline } = active?.authorizations ?? {}
  const fix =
    'allow every client the scopes of the resource and offline_access, and drop unknown scopes instead of refusing the request'
  if (loopback !== undefined && refusalOf(loopback) === 'invalid_scope') {
    const isForEverybody = scoped === undefined || refusalOf(scoped) === 'invalid_scope'
    if (!isForEverybody)
      return skipped('only clients that registered without scopes are refused, see DR-19')
    findings.push({
      sent: loopback.exchange,
      received: describeOutcome(loopback),
      reason: 'the scopes that the resource metadata lists are refused with invalid_scope',
      fix,
    })
  } else if (offline !== undefined && refusalOf(offline) === 'invalid_scope') {
    findings.push({
      sent: offline.exchange,
      received: describeOutcome(offline),
      reason: 'offline_access, which clients add where it is listed, is refused with invalid_scope',
      fix,
    })
  }
  const proven =
    offline !== undefined && isAccepted(offline) ? ', and are taken at the sign-in' : ''
  return verdictOf(
    findings,
    `the scopes of the resource are known to the authorization server${proven}`,
  )
}

/** D29: RFC 9207. */
export function checkIssuerParameter(survey: Survey, active: ActiveSurvey | undefined): Verdict {
  const missing = missingServer(survey)
  if (missing !== undefined) return missing
  const { server } = survey
  const { document } = server ?? {}
  const value = document?.authorization_response_iss_parameter_supported
  const hasWay =
    document?.client_id_metadata_document_supported === true ||
    typeof document?.registration_endpoint === 'string'
  if (value !== true) {
    return found({
      level: hasWay ? 'warning' : 'failed',
      sent: server?.chosen?.exchange ?? '',
      received: `authorization_response_iss_parameter_supported: ${value === undefined ? 'absent' : quote(value)}`,
      reason: `ChatGPT then comes back to another redirect URI for each connector, which ${hasWay ? 'only clients that register themselves can have' : 'no list of redirect URIs can name'}; specifications from 2026-07-28 want iss in every answer`,
      fix: 'send iss with every answer of the authorization endpoint, errors too, and advertise it (RFC 9207)',
      clients: ['chatgpt'],
    })
  }
  const issuer = textOf(document, 'issuer') ?? ''
  if (issuer !== server?.issuer) return skipped('the issuer itself is in question, see DR-7')
  const answers = [...Object.values(active?.authorizations ?? {}), active?.session?.back].flatMap(
    (outcome) => (outcome?.kind === 'back' ? [outcome] : []),
  )
  const REJECTING: readonly ClientId[] = ['claude-code', 'inspector', 'mcp-remote']
  const wrong = answers.find(({ parameters }) => parameters.get('iss') !== issuer)
  if (wrong !== undefined) {
    const iss = wrong.parameters.get('iss')
    return found({
      sent: wrong.exchange,
      received: `${wrong.parameters.has('error') ? 'an error' : 'a code'} with ${iss === null ? 'no iss' : `iss: ${quote(iss)}`}`,
      reason: `iss is advertised and is not ${quote(issuer)}: clients of SDK v2 take the answer for a forged one`,
      fix: 'send iss, equal to the issuer of the metadata, with codes and with errors',
      clients: REJECTING,
    })
  }
  return passed(
    answers.length === 0 ? 'iss is advertised' : 'iss is advertised, and in every answer',
    ...unprovenHint(active),
  )
}
