import type { Principal } from '../principal.js'
import type { AuthInfo } from './auth-info.js'
import type { ParsedMessage } from './json-rpc-message.js'
import type { ResponseOutcome } from './responses.js'

/** Why the body of an accepted caller was not read. */
export type UnreadMessage = 'too_large' | 'incomplete' | 'full'

/** The request may go on to the handler. */
export interface AcceptedOutcome {
  readonly kind: 'accepted'
  readonly authInfo: AuthInfo
  readonly principal: Principal
  /** Headers that the handler's answer must carry (CORS). */
  readonly headers: Readonly<Record<string, string>> | undefined
  /**
   * The body decides about scopes: hand it to this function before the handler runs, and answer what
   * it returns. Absent when the body does not matter.
   */
  readonly authorizeMessage?:
    | ((
        message: ParsedMessage,
      ) => ResponseOutcome | undefined | Promise<ResponseOutcome | undefined>)
    | undefined
  /**
   * Refuses a body that is over the limit, could not be read to its end or found no room, with an
   * event.
   */
  readonly refuseMessage?: ((reason: UnreadMessage) => ResponseOutcome) | undefined
}

/** Outcome of the guard for one request. */
export type GuardOutcome = ResponseOutcome | AcceptedOutcome
