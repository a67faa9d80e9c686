import { isBuiltFromRequest, mayAsk } from '../http/addresses.js'
import type { Exchange, Probe } from '../http/prober.js'
import { isJsonObject, type JsonObject, urlOf } from '../survey/metadata-document.js'
import { initializeRequest } from '../survey/requests.js'
import type { Survey } from '../survey/survey.js'
import { type ReadToken, readToken } from './read-token.js'

/** A token that was refused, as far as the doctor may say something of it. */
export interface TokenSurvey {
  /** Where it comes from, for people. */
  readonly origin: 'given' | 'issued'
  /** Absent when it is no JWT. */
  readonly token: ReadToken | undefined
  /** Keys of the issuer; `undefined` when they cannot be had. */
  readonly keys: readonly JsonObject[] | undefined
  /** The MCP endpoint, with the token. */
  readonly exchange: Exchange
  /** Epoch seconds. */
  readonly now: number
}

/** Keys that the authorization server publishes. */
async function fetchKeys(probe: Probe, survey: Survey): Promise<readonly JsonObject[] | undefined> {
  const url = urlOf(survey.server?.document, 'jwks_uri')
  if (url === undefined || !mayAsk(url, survey.target) || isBuiltFromRequest(url, survey.target)) {
    return undefined
  }
  const { answer } = await probe({ url: url.href, headers: { accept: 'application/json' } })
  const keys = isJsonObject(answer?.json) ? answer.json.keys : undefined
  return Array.isArray(keys) ? keys.filter(isJsonObject) : undefined
}

/** Sends a token to the MCP endpoint and reads what can be read in it. */
export async function surveyToken(
  probe: Probe,
  survey: Survey,
  text: string,
  now: number,
): Promise<TokenSurvey> {
  const bearer = { authorization: `Bearer ${text}` }
  const [keys, exchange] = await Promise.all([
    fetchKeys(probe, survey),
    probe({ ...initializeRequest(survey.target, 'the given token', bearer), isFresh: true }),
  ])
  return { origin: 'given', token: readToken(text), keys, exchange, now }
}

/** The same of a token that the sign-in of this run issued, which was sent already. */
export async function surveyIssuedToken(
  probe: Probe,
  survey: Survey,
  text: string,
  exchange: Exchange,
  now: number,
): Promise<TokenSurvey> {
  const keys = await fetchKeys(probe, survey)
  return { origin: 'issued', token: readToken(text), keys, exchange, now }
}
