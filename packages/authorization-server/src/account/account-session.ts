import { isSessionTooOld, isStillAdmitted } from '../engine/accounts.js'
import { cookieNames, readCookie } from '../engine/cookies.js'
import type { Engine } from '../engine/engine.js'
import type { EndpointRequest } from '../engine/http.js'
import type { UserProfile } from '../storage/storage.js'

/** Who is signed in with a browser. */
export interface AccountSession {
  readonly user: UserProfile
  /** Names the session in the forms of its pages; not the id in its cookie. */
  readonly uid: string
  /** Ends the session. */
  end(): Promise<void>
}

/** Finds the session of a browser. `undefined` also for somebody who may no longer come in. */
export async function findAccountSession(
  engine: Engine,
  request: EndpointRequest,
): Promise<AccountSession | undefined> {
  const { parts, provider } = engine
  const id = readCookie(request.headers.cookie, cookieNames(parts.issuer).session)
  const session = id === undefined ? undefined : await provider.Session.find(id)
  if (session?.accountId === undefined || isSessionTooOld(parts, session)) return undefined
  const user = await parts.storage.users.find(session.accountId)
  if (user === undefined || !(await isStillAdmitted(parts, user))) return undefined
  return { user, uid: session.uid, end: () => session.destroy() }
}
