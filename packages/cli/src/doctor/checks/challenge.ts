import type { ClientId } from '../check.js'
import { isBuiltFromRequest } from '../http/addresses.js'
import { quote } from '../http/quote.js'
import { challengeOf, type Survey } from '../survey/survey.js'
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

const CHALLENGE_FIX =
  'answer 401 with WWW-Authenticate: Bearer resource_metadata="<URL of the metadata>", and see that no proxy removes the header'
const SDK_CLIENTS: readonly ClientId[] = [
  'claude',
  'claude-code',
  'cursor',
  'inspector',
  'mcp-remote',
]

/** What is wrong with the header itself. */
function findChallengeFaults(survey: Survey): readonly FindingInput[] {
  const { anonymous, challenge } = survey
  const base = {
    sent: anonymous,
    received: received(anonymous, 'www-authenticate'),
    fix: CHALLENGE_FIX,
  }
  if (challenge === undefined) {
    const reason =
      'the 401 has no WWW-Authenticate header, so that clients do not learn where to sign in'
    return [{ ...base, reason }]
  }
  if (!challenge.hasBearer) {
    return [{ ...base, reason: 'the challenge is not of the scheme Bearer' }]
  }
  if (!challenge.isBearerFirst || !challenge.isReadable) {
    const reason =
      'clients of the TypeScript SDK read only a Bearer challenge that comes first, with one blank behind Bearer'
    return [{ ...base, reason, clients: SDK_CLIENTS }]
  }
  if (challenge.resourceMetadata === undefined) {
    const reason = /resource_metadata_uri=/.test(challenge.header)
      ? 'the challenge has resource_metadata_uri, which no RFC knows and no measured client reads; the name is resource_metadata'
      : 'the challenge does not say where the metadata is (resource_metadata, RFC 9728 section 5.1)'
    return [{ ...base, reason }]
  }
  return [
    ...(challenge.scheme === 'Bearer'
      ? []
      : [
          {
            ...base,
            reason: 'VS Code compares the scheme as it is written: Bearer',
            clients: ['vscode'] as const,
          },
        ]),
    ...(challenge.resourceMetadataCount === 1
      ? []
      : [
          {
            ...base,
            level: 'warning' as const,
            reason: 'resource_metadata is there more than once; some clients refuse such a header',
          },
        ]),
  ]
}

/** D1: without a token 401 and a usable challenge. */
export function checkChallenge(survey: Survey): Verdict {
  const { anonymous, madeUp } = survey
  const status = anonymous.answer?.status ?? 0
  const foreign = foreignAnswer(survey)
  if (foreign !== undefined) return foreign
  const base = { sent: anonymous, received: receivedBody(anonymous), fix: CHALLENGE_FIX }
  if (status >= 200 && status < 300) {
    const reason =
      'the server answers without a token: clients never start to sign in, and everybody is let in'
    const fix = 'put the guard in front of every method of the MCP endpoint'
    return found({ ...base, reason, fix })
  }
  if (status !== 401) {
    const reason =
      status === 404
        ? 'nothing is there: this is not the URL of an MCP endpoint'
        : `clients begin to sign in at a 401, and this is ${status}`
    return found({ ...base, reason })
  }
  const accepted = (madeUp.answer?.status ?? 0) >= 200 && (madeUp.answer?.status ?? 0) < 300
  const open: FindingInput = {
    sent: madeUp,
    received: receivedBody(madeUp),
    reason: 'a token that nobody issued is accepted: tokens are not verified',
    fix: 'verify signature, issuer, audience and expiry of every token',
  }
  // Without this answer nobody knows whether tokens are verified.
  const silent: FindingInput = {
    sent: madeUp,
    received: received(madeUp),
    reason: 'a request with a token is not answered, though one without is',
    fix: 'see that nothing drops requests with an Authorization header, and that verifying a token ends in time',
  }
  return verdictOf(
    [
      ...findChallengeFaults(survey),
      ...(accepted ? [open] : []),
      ...(madeUp.answer === undefined ? [silent] : []),
    ],
    '401 with a Bearer challenge that names the metadata',
  )
}

/** D2: an absolute URL of the same origin. */
export function checkMetadataUrl(survey: Survey): Verdict {
  const { challenge, target, anonymous } = survey
  const text = challenge?.resourceMetadata
  if (text === undefined) return skipped('the challenge names no metadata, see DR-1')
  const base = {
    sent: anonymous,
    received: `resource_metadata: ${quote(text)}`,
    fix: 'write the whole public URL, for example https://<host>/.well-known/oauth-protected-resource/mcp',
  }
  if (!URL.canParse(text) || !/^https?:\/\//i.test(text)) {
    return found({ ...base, reason: 'it is not an absolute http(s) URL' })
  }
  const url = new URL(text)
  if (isBuiltFromRequest(url, target))
    return skipped('its scheme or host is not the public one, see DR-3')
  if (url.origin !== target.origin) {
    const reason =
      'it is of another origin than the MCP endpoint, which clients refuse or do not trust'
    return found({ ...base, reason })
  }
  return passed('it is absolute and of the same origin')
}

/** D27: GET and HEAD are guarded too. */
export function checkOtherMethods(survey: Survey): Verdict {
  if (survey.anonymous.answer?.status !== 401)
    return skipped('POST is not answered with 401, see DR-1')
  const fix = 'answer GET and HEAD without a token like POST: 401 with the same challenge'
  const unguarded = [survey.get, survey.head]
    .filter(({ answer }) => answer !== undefined && answer.status !== 401)
    .map((exchange): FindingInput => {
      const isOpen = (exchange.answer?.status ?? 0) < 300
      return {
        sent: exchange,
        received: received(exchange, 'www-authenticate'),
        reason: isOpen
          ? 'it is answered without a token; mcp-remote then takes the endpoint for an authorization server'
          : 'clients that begin with it find no challenge',
        fix,
        clients: isOpen ? ['mcp-remote'] : ['claude'],
      }
    })
  const silent = [survey.get, survey.head]
    .filter(({ answer }) => answer === undefined)
    .map(
      (exchange): FindingInput => ({
        sent: exchange,
        received: received(exchange),
        reason: 'it is not answered, though POST is: clients that begin with it wait in vain',
        fix,
      }),
    )
  const bare = [survey.get]
    .filter((exchange) => exchange.answer?.status === 401)
    .filter((exchange) => survey.challenge !== undefined && challengeOf(exchange) === undefined)
    .map(
      (exchange): FindingInput => ({
        sent: exchange,
        received: received(exchange, 'www-authenticate'),
        reason: 'the challenge is missing, though POST has one',
        fix,
      }),
    )
  const mcpAtWellKnown = survey.resource.probes
    .map(({ exchange }) => exchange)
    .filter(({ answer }) => answer?.status === 406)
    .slice(0, 1)
    .map(
      (exchange): FindingInput => ({
        sent: exchange,
        received: receivedBody(exchange),
        reason: 'the MCP endpoint answers at a well-known path: it is mounted on every path',
        fix: 'mount the MCP endpoint on its own path alone, and answer 404 elsewhere',
      }),
    )
  return verdictOf(
    [...unguarded, ...silent, ...bare, ...mcpAtWellKnown],
    'GET and HEAD are refused like POST',
  )
}

/** D31: a refused token leads to a challenge. */
export function checkRefusedToken({ anonymous, madeUp }: Survey): Verdict {
  const hint =
    'a client that is configured with a token of its own (a static Authorization header) does not fall back to signing in when that is refused: remove the header there'
  if (anonymous.answer?.status !== 401 || challengeOf(anonymous)?.hasBearer !== true) {
    return skipped('a request without a token gets no challenge, see DR-1', hint)
  }
  const { answer } = madeUp
  if (answer === undefined) return skipped('there was no answer', hint)
  if (answer.status < 300) return skipped('every token is accepted, see DR-1', hint)
  const challenge = challengeOf(madeUp)
  const base = {
    sent: madeUp,
    received: received(madeUp, 'www-authenticate'),
    fix: 'answer 401 with the challenge of DR-1 and error="invalid_token"',
  }
  if (answer.status !== 401 || challenge?.hasBearer !== true) {
    const reason =
      'clients refresh or sign in again at a 401 with a challenge, and end or loop at anything else'
    return found({ ...base, reason })
  }
  if (challenge.error !== 'invalid_token') {
    const reason =
      'clients that refresh at error="invalid_token" do not see that the token is the matter (RFC 6750 section 3.1)'
    return found({ ...base, reason })
  }
  return passed('a token that nobody issued is refused with invalid_token')
}
