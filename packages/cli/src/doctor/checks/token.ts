import type { Finding } from '../check.js'
import type { Exchange } from '../http/prober.js'
import { quote } from '../http/quote.js'
import { type JsonObject, textOf, textsOf } from '../survey/metadata-document.js'
import { issuersOf } from '../survey/server-survey.js'
import { challengeOf, type Survey } from '../survey/survey.js'
import { isPublicKeyAlgorithm, isSignedBy, type ReadToken } from '../token/read-token.js'
import type { TokenSurvey } from '../token/token-survey.js'
import { foreignAnswer } from './surroundings.js'
import { type FindingInput, found, received, skipped, type Verdict, verdictOf } from './verdict.js'

const TOLERANCE_SECONDS = 10
const LONGEST_SECONDS = 31 * 86_400

/** One thing that is wrong with a token: what is expected, what is there, what to change. */
interface TokenFault {
  /** How bad it is that the endpoint takes such a token. `undefined`: no matter of the endpoint. */
  readonly whenTaken: Finding['level'] | undefined
  readonly received: string
  readonly reason: string
  readonly fix: string
}

/** Values of claims that say nothing about a person. */
function show(
  claims: JsonObject,
  name: 'iss' | 'aud' | 'exp' | 'nbf' | 'scope' | 'client_id',
): string {
  const value = claims[name]
  return `${name}: ${value === undefined ? 'absent' : quote(value)}`
}

function audienceFault(claims: JsonObject, survey: Survey): TokenFault | undefined {
  const expected = textOf(survey.resource.document, 'resource') ?? survey.target.href
  const audiences = [claims.aud].flat().filter((each) => typeof each === 'string')
  const same = (one: string): string => (one.endsWith('/') ? one.slice(0, -1) : one)
  if (audiences.some((each) => same(each) === same(expected))) return undefined
  return {
    whenTaken: 'warning',
    received: show(claims, 'aud'),
    reason: `audience: expected ${quote(expected)}, the resource of this server; the token was issued for something else`,
    fix: 'have the client send resource in the authorization and the token request, and the authorization server put it into aud (RFC 8707); providers that cannot need an audience of their own in the configuration (Stytch: the project id; see resource binding)',
  }
}

/** A date, which stays the same while the token is looked at again and again. */
function showTime(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? `second ${seconds}` : date.toISOString()
}

function timeFault(claims: JsonObject, now: number): TokenFault | undefined {
  const { exp, nbf, iat } = claims
  if (typeof exp !== 'number') {
    return {
      whenTaken: 'failed',
      received: show(claims, 'exp'),
      reason: 'expiry: the token has no end, and such tokens are refused',
      fix: 'issue tokens with exp',
    }
  }
  if (exp <= now - TOLERANCE_SECONDS) {
    return {
      whenTaken: 'failed',
      received: show(claims, 'exp'),
      reason: `expiry: the token ended at ${showTime(exp)}`,
      fix: 'take a new token; when it was just issued, compare the clocks of the two servers',
    }
  }
  if (typeof nbf === 'number' && nbf > now + TOLERANCE_SECONDS) {
    return {
      whenTaken: 'failed',
      received: show(claims, 'nbf'),
      reason: `expiry: the token is not good before ${showTime(nbf)}`,
      fix: 'compare the clocks of the two servers',
    }
  }
  if (typeof iat === 'number' && exp - iat > LONGEST_SECONDS) {
    return {
      whenTaken: undefined,
      received: show(claims, 'exp'),
      reason: 'expiry: the token lives longer than 31 days, which our middleware refuses',
      fix: 'issue tokens that live an hour or a day',
    }
  }
  return undefined
}

function issuerFault(claims: JsonObject, survey: Survey): TokenFault | undefined {
  const expected = survey.server?.issuer
  if (expected === undefined || claims.iss === expected) return undefined
  const { resource, server } = survey
  // One that is named besides, or that differs by what DR-7 says, is no stranger.
  const known = [...issuersOf(resource.document), textOf(server?.document, 'issuer') ?? expected]
  const same = (one: string): string => one.replace(/\/$/, '')
  const isKnown = known.some(
    (each) => typeof claims.iss === 'string' && same(each) === same(claims.iss),
  )
  return {
    whenTaken: isKnown ? undefined : 'failed',
    received: show(claims, 'iss'),
    reason: `issuer: expected ${quote(expected)}, which the resource metadata names, character by character`,
    fix: 'take the token from that authorization server, or name the issuer of the token in authorization_servers',
  }
}

function signatureFault(
  token: ReadToken,
  keys: readonly JsonObject[] | undefined,
): TokenFault | undefined {
  const { alg, kid } = token.header
  const shown = `alg: ${quote(alg)}, kid: ${quote(kid ?? 'absent', 80)}`
  if (!isPublicKeyAlgorithm(alg)) {
    const reason = 'algorithm: the token is not signed with a key that can be published'
    return {
      whenTaken: 'failed',
      received: shown,
      reason,
      fix: 'sign with ES256, RS256, PS256 or EdDSA; none and HS256 are refused',
    }
  }
  if (keys === undefined) return undefined
  const candidates = typeof kid === 'string' ? keys.filter((key) => key.kid === kid) : keys
  if (candidates.length === 0) {
    const reason = 'signature: the key of the token is not among those that the issuer publishes'
    return {
      whenTaken: 'warning',
      received: shown,
      reason,
      fix: 'publish the key until its last token has expired; a token from before a change of keys is replaced by a refresh',
    }
  }
  const verdicts = candidates.map((key) => isSignedBy(token, key))
  if (verdicts.includes(true) || verdicts.includes(undefined)) return undefined
  const reason = 'signature: it was not made by the published key'
  return {
    whenTaken: 'warning',
    received: shown,
    reason,
    fix: 'use the token as it was issued; two servers with one key id make such tokens too',
  }
}

function scopeFault(
  claims: JsonObject,
  survey: Survey,
  needed: string | undefined,
): TokenFault | undefined {
  const held = [claims.scope, claims.scp, claims.permissions, claims.roles]
    .flat()
    .filter((each): each is string => typeof each === 'string')
    .flatMap((each) => each.split(' '))
  const required = (needed ?? survey.challenge?.scope ?? '').split(' ').filter(Boolean)
  const lacking = required.filter((scope) => !held.includes(scope))
  if (lacking.length === 0) return undefined
  const known = textsOf(survey.resource.document, 'scopes_supported') ?? []
  // Hierarchies are the server's matter: one that it knows may imply the other.
  if (needed === undefined && held.some((scope) => known.includes(scope))) return undefined
  return {
    whenTaken: undefined,
    received: `scope: ${quote(held.join(' '))}`,
    reason: `scope: the token lacks ${quote(lacking)}`,
    fix: 'have the client ask for the scopes of the challenge, and the authorization server grant them to this user and client',
  }
}

function faultsOf(
  { token, keys, now, exchange }: TokenSurvey,
  survey: Survey,
): readonly TokenFault[] {
  if (token === undefined) return []
  const { claims } = token
  const status = exchange.answer?.status
  const needed = status === 403 ? challengeOf(exchange)?.scope : undefined
  return [
    signatureFault(token, keys),
    issuerFault(claims, survey),
    audienceFault(claims, survey),
    timeFault(claims, now),
    scopeFault(claims, survey, needed),
  ].filter((fault) => fault !== undefined)
}

/** What is wrong with an endpoint that takes a token with a fault. */
function takenFinding(
  sent: Exchange,
  level: Finding['level'],
  { received, reason, fix }: Omit<TokenFault, 'whenTaken'>,
): FindingInput {
  return {
    level,
    sent,
    received,
    reason: `the endpoint takes the token, though ${reason}`,
    // A wrong audience or key is mostly a matter of what the server is configured to expect.
    fix: level === 'warning' ? fix : 'verify signature, issuer, audience and expiry of every token',
  }
}

/** D25: the token is for this server, and the server takes it. */
export function checkToken(survey: Survey, surveyed: TokenSurvey | undefined): Verdict {
  const foreign = foreignAnswer(survey)
  if (foreign !== undefined) return foreign
  if (surveyed === undefined) return skipped('needs --token')
  const { exchange, token, keys } = surveyed
  const { answer } = exchange
  if (answer === undefined) return skipped('the endpoint did not answer')
  if (answer.status >= 500 || answer.status === 429) {
    return skipped(`the endpoint answered ${answer.status}: that says nothing about the token`)
  }
  const isTaken = answer.status >= 200 && answer.status < 300
  if (!isTaken && answer.status !== 401 && answer.status !== 403) {
    return skipped(
      `the endpoint answered ${answer.status}: it is not known whether it takes the token`,
    )
  }
  const answered = `${received(exchange, 'www-authenticate')}`
  const faults = faultsOf(surveyed, survey)
  const base = { sent: exchange }
  if (isTaken) {
    const unread = token === undefined ? 'the token is opaque, and' : 'the token is good:'
    return verdictOf(
      faults.flatMap(({ whenTaken, ...fault }): FindingInput[] =>
        whenTaken === undefined ? [] : [takenFinding(exchange, whenTaken, fault)],
      ),
      `${unread} the endpoint answered ${answer.status}`,
    )
  }
  if (token === undefined) {
    const reason =
      'the token is opaque (no JWT) and refused; Auth0 issues such tokens where no audience or resource was asked for'
    return found({
      ...base,
      received: answered,
      reason,
      fix: 'ask for the resource, so that a JWT for this server is issued, or verify opaque tokens by introspection',
    })
  }
  if (faults.length > 0) {
    return verdictOf(
      faults.map(
        ({ whenTaken: _, ...fault }): FindingInput => ({
          ...base,
          ...fault,
          received: `${fault.received}; the endpoint: ${answer.status}`,
        }),
      ),
      '',
    )
  }
  const unverified = keys === undefined ? ', though its signature could not be checked' : ''
  const { claims } = token
  return found({
    ...base,
    received: `${answered}; ${show(claims, 'iss')}, ${show(claims, 'aud')}, ${show(claims, 'scope')}, ${show(claims, 'client_id')}`,
    reason: `the token is for this server${unverified}, and it is refused: the server expects another issuer, audience or kind of token, does not let this person in, or the token was revoked`,
    fix: 'look at the reason code of the refusal in the log of the server, then at its issuer, audience and allow-list',
  })
}
