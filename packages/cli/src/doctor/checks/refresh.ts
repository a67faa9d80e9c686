import type { ActiveSurvey } from '../active/active-survey.js'
import { OTHER_RESOURCE_PATH } from '../active/session.js'
import type { Exchange } from '../http/prober.js'
import { quote } from '../http/quote.js'
import { isJsonObject, type JsonObject, textOf, textsOf } from '../survey/metadata-document.js'
import type { Survey } from '../survey/survey.js'
import { readToken } from '../token/read-token.js'
import { missingServer } from './server-metadata.js'
import {
  type FindingInput,
  NEEDS_ACTIVE,
  received,
  receivedError,
  skipped,
  type Verdict,
  verdictOf,
} from './verdict.js'

/** D20: refresh tokens are offered. */
export function checkRefreshOffer(survey: Survey, active: ActiveSurvey | undefined): Verdict {
  const missing = missingServer(survey)
  if (missing !== undefined) return missing
  const { server, resource, challenge, anonymous } = survey
  const sent = server?.chosen?.exchange ?? ''
  const grants = textsOf(server?.document, 'grant_types_supported')
  const scopes = textsOf(server?.document, 'scopes_supported')
  const findings: FindingInput[] = []
  if (grants?.includes('refresh_token') !== true) {
    findings.push({
      sent,
      received: `grant_types_supported: ${grants === undefined ? 'absent' : quote(grants)}`,
      reason:
        'refresh_token is not listed (without a list it stands for authorization_code alone): people sign in again when the access token ends',
      fix: 'issue refresh tokens and list the grant',
    })
  }
  if (scopes !== undefined && !scopes.includes('offline_access')) {
    findings.push({
      sent,
      received: `scopes_supported: ${quote(scopes)}`,
      reason:
        'offline_access is not listed, so that clients that ask for refresh tokens by it do not',
      fix: 'list offline_access at the authorization server, and take it as a request for a refresh token',
      clients: ['claude', 'claude-code'],
    })
  }
  if (
    challenge !== undefined &&
    challenge.scope === undefined &&
    textsOf(resource.document, 'scopes_supported') === undefined
  ) {
    findings.push({
      sent: anonymous,
      received: received(anonymous, 'www-authenticate'),
      reason:
        'neither the challenge nor the resource metadata names a scope: some clients then ask for none, and get a token without rights',
      fix: 'put scope="…" into the challenge and scopes_supported into the metadata',
    })
  }
  const { session } = active ?? {}
  if (session?.tokens !== undefined && findings.length === 0) {
    const lacking = ['refresh_token', 'expires_in'].filter(
      (name) => session.tokens?.[name] === undefined,
    )
    if (lacking.length > 0) {
      findings.push({
        sent: session.exchange ?? '',
        received: `an answer without ${lacking.join(' and ')}`,
        reason: 'clients cannot refresh in time: people sign in again',
        fix: 'answer with refresh_token and expires_in',
      })
    }
  }
  return verdictOf(findings, 'the refresh_token grant and offline_access are listed')
}

/** D21: a refresh token survives a parallel use. */
export function checkParallelRefresh(active: ActiveSurvey | undefined): Verdict {
  if (active === undefined) return skipped(NEEDS_ACTIVE)
  const { parallel } = active.session ?? {}
  if (parallel === undefined)
    return skipped(
      active.session?.reason ?? active.reason ?? 'there is no refresh token, see DR-20',
    )
  const refused = parallel.filter(({ answer }) => answer !== undefined && answer.status !== 200)
  return verdictOf(
    refused.slice(0, 1).map((exchange) => ({
      sent: exchange,
      received: `${refused.length} of ${parallel.length} refused, ${receivedError(exchange)}`,
      reason:
        'of two requests with one refresh token at the same moment one is refused: clients that refresh from two places are signed out',
      fix: 'answer a second use within a short time like the first one, as long as the new token was not used',
    })),
    'two uses at once and a third after them are answered',
  )
}

/** What is wrong where a refresh for another resource gets a token. */
function takenFinding(exchange: Exchange, document: JsonObject | undefined): FindingInput {
  const { claims } = readToken(textOf(document, 'access_token') ?? '') ?? {}
  const audiences = [claims?.aud].flat()
  const isForIt = audiences.some(
    (each) => typeof each === 'string' && each.endsWith(OTHER_RESOURCE_PATH),
  )
  const fix = 'answer a refresh for a resource that the grant does not have with invalid_grant'
  if (isForIt) {
    return {
      sent: exchange,
      received: `200, a token with aud: ${quote(claims?.aud)}`,
      reason: 'whoever has a refresh token of one server gets access tokens for any other one',
      fix,
    }
  }
  return {
    level: 'warning',
    sent: exchange,
    received: '200, a token',
    reason:
      'a refresh for a resource that the grant does not have is answered with a token, which then does not fit what was asked for',
    fix,
  }
}

/** D22: the resource of a refresh. */
export function checkRefreshResource(active: ActiveSurvey | undefined): Verdict {
  if (active === undefined) return skipped(NEEDS_ACTIVE)
  const { sameResource, otherResource, reason } = active.session ?? {}
  if (sameResource === undefined)
    return skipped(reason ?? active.reason ?? 'there is no refresh token, see DR-20')
  const findings: FindingInput[] = []
  if (sameResource.answer !== undefined && sameResource.answer.status !== 200) {
    findings.push({
      sent: sameResource,
      received: receivedError(sameResource),
      reason:
        'a refresh that names the resource of its token is refused; SDK clients name it each time',
      fix: 'compare resource with that of the grant, and take it when it is equal or absent',
    })
  }
  const document = isJsonObject(otherResource?.answer?.json) ? otherResource.answer.json : undefined
  const error = textOf(document, 'error')
  if (otherResource?.answer?.status === 200) findings.push(takenFinding(otherResource, document))
  if (otherResource !== undefined && error === 'invalid_target') {
    findings.push({
      sent: otherResource,
      received: receivedError(otherResource),
      reason:
        'SDK clients do not handle invalid_target: they keep the refresh token and are stuck, where invalid_grant makes them sign in again',
      fix: 'answer a refresh for a resource that the grant does not have with invalid_grant',
    })
  }
  if (findings.length === 0 && otherResource !== undefined && otherResource.answer === undefined)
    return skipped('the refresh for another resource was not answered')
  return verdictOf(
    findings,
    'a refresh works with its resource, and another one does not leave the client stuck',
  )
}
