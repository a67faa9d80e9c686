import type { ActiveSurvey } from './active/active-survey.js'
import { CHECK_IDS, type CheckId, type CheckResult, type ClientId, definitionOf } from './check.js'
import * as authorization from './checks/authorization.js'
import * as challenge from './checks/challenge.js'
import { checkPublicUrls } from './checks/public-urls.js'
import * as refresh from './checks/refresh.js'
import * as registration from './checks/registration.js'
import * as resource from './checks/resource-metadata.js'
import * as server from './checks/server-metadata.js'
import * as surroundings from './checks/surroundings.js'
import { checkToken } from './checks/token.js'
import { skipped, toResult, type Verdict, withoutCutOff } from './checks/verdict.js'
import type { Configured } from './configuration/configured.js'
import type { DocumentFetches } from './configuration/document-fetches.js'
import type { Survey } from './survey/survey.js'
import type { TokenSurvey } from './token/token-survey.js'

/** Everything that was seen. Members are missing where it was not allowed or given. */
export interface Evidence {
  readonly survey: Survey
  readonly active: ActiveSurvey | undefined
  readonly token: TokenSurvey | undefined
  readonly configured: Configured | undefined
  readonly documents: DocumentFetches | undefined
  readonly client: ClientId | undefined
}

/** Every check, as a function of what was seen. */
const CHECKS: Readonly<Record<CheckId, (evidence: Evidence) => Verdict>> = {
  'DR-1': ({ survey }) => challenge.checkChallenge(survey),
  'DR-2': ({ survey }) => challenge.checkMetadataUrl(survey),
  'DR-3': ({ survey, configured }) => checkPublicUrls(survey, configured?.publicUrls ?? []),
  'DR-4': ({ survey }) => resource.checkResource(survey),
  'DR-5': ({ survey }) => resource.checkPlaces(survey),
  'DR-6': ({ survey }) => resource.checkWellKnownAnswers(survey),
  'DR-7': ({ survey, configured }) => server.checkIssuer(survey, configured?.issuers ?? []),
  'DR-8': ({ survey }) => server.checkServerPlaces(survey),
  'DR-9': ({ survey, active, client }) => registration.checkRegistration(survey, active, client),
  'DR-10': ({ survey, active }) => authorization.checkCodeChallenge(survey, active),
  'DR-11': ({ survey, active }) =>
    server.checkShapes(survey, registration.registrationShapes(active)),
  'DR-12': ({ active }) => registration.checkCreated(active),
  'DR-13': ({ active }) => registration.checkRedirectLists(active),
  'DR-14': ({ active }) => authorization.checkLoopback(active),
  'DR-15': ({ survey, documents }) => registration.checkDocumentFetches(survey, documents),
  'DR-16': ({ survey, active, documents }) =>
    registration.checkDocuments(survey, active, documents),
  'DR-17': ({ survey }) => registration.checkPublicClients(survey),
  'DR-18': ({ survey, active }) => authorization.checkScopes(survey, active),
  'DR-19': ({ active }) => registration.checkDefaultScopes(active),
  'DR-20': ({ survey, active }) => refresh.checkRefreshOffer(survey, active),
  'DR-21': ({ active }) => refresh.checkParallelRefresh(active),
  'DR-22': ({ active }) => refresh.checkRefreshResource(active),
  'DR-23': ({ survey }) => surroundings.checkBrowsers(survey),
  'DR-24': ({ survey, active }) => server.checkEntra(survey, active),
  'DR-25': ({ survey, token }) => checkToken(survey, token),
  'DR-26': ({ survey }) => surroundings.checkFirewall(survey),
  'DR-27': ({ survey }) => challenge.checkOtherMethods(survey),
  'DR-28': ({ survey }) => resource.checkOneServer(survey),
  'DR-29': ({ survey, active }) => authorization.checkIssuerParameter(survey, active),
  'DR-30': ({ survey }) => surroundings.checkAccess(survey),
  'DR-31': ({ survey }) => challenge.checkRefusedToken(survey),
  'DR-32': ({ survey }) => server.checkRedirects(survey),
}

function withHints(verdict: Verdict, hints: readonly string[]): Verdict {
  return hints.length === 0 ? verdict : { ...verdict, hints: [...verdict.hints, ...hints] }
}

/** One check that ends in an error must not take the report of the others with it. */
function make(id: CheckId, evidence: Evidence, onFault: () => void): Verdict {
  try {
    return CHECKS[id](evidence)
  } catch (error) {
    onFault()
    const name = error instanceof Error ? error.constructor.name : typeof error
    return skipped(`the doctor could not make this check (${name}); report it with the URL`)
  }
}

/** Leaves out what does not matter to one client. */
function forClient(result: CheckResult, client: ClientId): CheckResult {
  const findings = result.findings.filter(({ clients }) => clients.includes(client))
  if (findings.length === result.findings.length)
    return { ...result, clients: findings.length > 0 ? [client] : [] }
  const [first] = findings
  if (first === undefined) {
    const reason = 'what was found matters to other clients only'
    return { ...result, status: 'passed', reason, findings: [], clients: [] }
  }
  return { ...result, status: first.level, reason: first.reason, findings, clients: [client] }
}

/** Checks that came to something, by what the reason of a skipped one says: "see DR-7". */
function causesOf({ status, reason }: CheckResult, results: readonly CheckResult[]): CheckId[] {
  if (status !== 'skipped') return []
  const named = new Set(reason.match(/DR-\d+/g))
  return results
    .filter(({ id, status }) => named.has(id) && status === 'failed')
    .map(({ id }) => id)
}

/** What was seen, and what it leaves open. */
export interface Assessment {
  readonly checks: readonly CheckResult[]
  /**
   * Checks that fail for other clients than the chosen one, and because of which something that matters
   * to it could not be looked at. Empty without a client.
   */
  readonly blockedBy: readonly CheckId[]
}

/** Picks what matters to one client, and what could not be seen for it. */
export function chooseFor(client: ClientId, results: readonly CheckResult[]): Assessment {
  const checks = results
    .filter(
      ({ id, findings }) =>
        definitionOf(id).breaks.includes(client) ||
        findings.some(({ clients }) => clients.includes(client)),
    )
    .map((result) => forClient(result, client))
  const blockers = new Set(checks.flatMap((check) => causesOf(check, results)))
  // Those that are shown as failed say it themselves.
  for (const { id, status } of checks) if (status === 'failed') blockers.delete(id)
  return { checks, blockedBy: [...blockers] }
}

/**
 * Makes every check. With a client those that can matter to it.
 *
 * @param onFault - hears of a check that could not be made for a fault of the doctor itself.
 */
export function assess(evidence: Evidence, onFault: () => void): Assessment {
  const { client, configured } = evidence
  const results = CHECK_IDS.map((id) => {
    const hints = (configured?.hints ?? []).filter((hint) => hint.id === id).map(({ text }) => text)
    return toResult(id, withHints(withoutCutOff(make(id, evidence, onFault)), hints))
  })
  return client === undefined ? { checks: results, blockedBy: [] } : chooseFor(client, results)
}
