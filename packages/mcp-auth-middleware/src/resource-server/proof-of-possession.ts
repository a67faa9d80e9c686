import type { Principal } from '../principal.js'
import type { Verdict } from '../validators/validator.js'
import type { BearerCredential } from './bearer-token.js'
import type { ProtectedResource } from './protected-resource.js'
import type { RequestView } from './request-view.js'
import type { ResponseOutcome } from './responses.js'

/**
 * Lets tokens in that are bound to a key, for requests that prove that they have it. Made by `dpop` of
 * `@bestviable/mcp-auth-middleware/dpop`.
 */
export interface ProofOfPossession {
  /** The token of a request that comes with a proof; `absent` for every other request. */
  read(view: RequestView): BearerCredential
  /**
   * Judges the proof of a request whose token is good: `credential` is the token, `principal` its holder,
   * `resource` what was asked for. `undefined` lets it pass.
   */
  verify(
    view: RequestView,
    facts: {
      readonly credential: string
      readonly principal: Principal
      readonly resource: Pick<ProtectedResource, 'url' | 'localPath'>
      /** Epoch milliseconds. */
      readonly now: number
    },
  ): Promise<Exclude<Verdict, { kind: 'accepted' }> | undefined>
  /** Adds its challenge to a refusal that has one. */
  offer(response: ResponseOutcome, reason: string): ResponseOutcome
}
