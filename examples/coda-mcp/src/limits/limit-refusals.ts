import type { AuthEvent, McpAuth } from '@bestviable/mcp-auth-middleware'
import { currentRequest, type Refusal } from '../request-context.js'
import type { RateLimits } from './rate-limits.js'
import { tooManyRequests } from './too-many-requests.js'

type Outcome = Awaited<ReturnType<McpAuth['handle']>>
type Answer = Extract<Outcome, { kind: 'response' }>

/** What is said of tokens that have ended. Whoever has one has to read in the 401 that it takes a new one. */
const endedTokens: ReadonlySet<string> = new Set(['token_expired', 'revoked'])

/** Keeps for the answer why the guard refuses the request that is being answered. */
export function noteRefusal(event: AuthEvent): void {
  const request = currentRequest()
  if (request === undefined || event.type !== 'request' || event.outcome === 'accepted') return
  const { outcome, reason, principal } = event
  request.refusal = { outcome, reason, principal }
}

/**
 * Whom a refusal counts for; `undefined` for those that are never limited: without a credential, and with
 * a token that has ended. Both lead a client to sign in, and behind the address of a hosted assistant
 * there are many who do.
 */
function countedFor(refusal: Refusal, network: string) {
  const { outcome, reason, principal } = refusal
  if (outcome === 'unauthenticated' || endedTokens.has(reason)) return undefined
  return principal ?? network
}

/**
 * Makes a guard answer 429 in place of 401 and 403 where too many were answered before: those of a network,
 * or of a caller whose credential was good. The credential is always looked at first, so that a good one
 * passes, whoever shares its address.
 */
export function limitRefusals(auth: McpAuth, limits: RateLimits): McpAuth {
  async function limited(answer: Answer): Promise<Answer> {
    const request = currentRequest()
    if (answer.status !== 401 && answer.status !== 403) return answer
    if (request?.refusal === undefined) return answer
    const counted = countedFor(request.refusal, request.network)
    const wait = counted === undefined ? undefined : await limits.takeRefusal(counted)
    if (wait === undefined) return answer
    const { 'www-authenticate': _, 'content-length': __, ...headers } = answer.headers
    const { headers: own, body } = tooManyRequests(wait)
    return { ...answer, status: 429, headers: { ...headers, ...own }, body }
  }

  function settle(outcome: Outcome): Outcome | Promise<Outcome> {
    if (outcome.kind === 'response') return limited(outcome)
    if (outcome.kind === 'pass' || outcome.authorizeMessage === undefined) return outcome
    const { authorizeMessage } = outcome
    return {
      ...outcome,
      authorizeMessage: async (message) => {
        const refused = await authorizeMessage(message)
        return refused === undefined ? undefined : await limited(refused)
      },
    }
  }

  return {
    ...auth,
    handle(view) {
      const outcome = auth.handle(view)
      return outcome instanceof Promise ? outcome.then(settle) : settle(outcome)
    },
  }
}
