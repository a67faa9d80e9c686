import { isAuthError, StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import { type CallGate, withinLimits } from './call-gate.js'
import type { InfisicalEvent } from './events.js'
import type { CallLimits } from './infisical-api.js'
import type { ParsedOptions } from './options.js'
import { UnreadableAnswerError } from './responses.js'
import { isOutage, isTokenRefusal, parseSdkError } from './sdk-error.js'
import type { Sdk, SdkLoader, SdkModule } from './sdk-loader.js'
import { tokenLifeSeconds } from './token-life.js'

/** How long Infisical locks an identity after failed logins, which each attempt could prolong. */
const LOGIN_HOLD_SECONDS = 300
/** After a refusal that is not about the client secret, such as a wrong site URL. */
const MISCONFIGURED_HOLD_SECONDS = 30
/** A fresh token that is refused: 2 s, then twice as long each time. */
const FIRST_REFUSAL_HOLD_SECONDS = 2

interface Session {
  readonly sdk: Sdk
  /** Epoch milliseconds, well before its end; absent when its end is not known. */
  readonly renewAt: number | undefined
}

interface Hold {
  readonly since: number
  readonly seconds: number
  readonly message: string
}

/** Runs calls of the SDK with an access token, logging in when needed. */
export interface SdkSession {
  /** Runs one call; after a refusal of the token once more, with a new one. */
  use<Value>(limits: CallLimits, call: (sdk: Sdk) => Promise<Value>): Promise<Value>
}

/** What {@link createSession} works with. */
export interface SessionParts {
  readonly options: Pick<ParsedOptions, 'auth' | 'siteUrl' | 'readDeadlineMilliseconds'>
  readonly gate: CallGate
  readonly loadSdk: SdkLoader
  readonly now: () => number
  readonly emit: (event: InfisicalEvent) => void
}

/** Tells the gate whether a failure is one of Infisical or of what was asked. */
export function outageOf(error: unknown): 'no' | 'failed' | 'unreachable' {
  if (error instanceof UnreadableAnswerError) return 'failed'
  if (isAuthError(error)) return 'no'
  const failure = parseSdkError(error)
  if (failure.kind === 'unreachable') return 'unreachable'
  return isOutage(failure) ? 'failed' : 'no'
}

/** Creates the session of one identity. Logs in on first use. */
export function createSession({ options, gate, loadSdk, now, emit }: SessionParts): SdkSession {
  const { auth, siteUrl, readDeadlineMilliseconds } = options
  let session: Session | undefined
  let flight: Promise<Session> | undefined
  let hold: Hold | undefined
  let refusals = 0

  function holdLogins(seconds: number, message: string): StoreUnavailableError {
    hold = { since: now(), seconds, message }
    emit({ type: 'login', outcome: 'refused', holdSeconds: seconds })
    return new StoreUnavailableError(`${message}; not tried again for ${seconds} s`)
  }

  function requireNoHold(): void {
    if (hold === undefined) return
    const time = now()
    if (time >= hold.since && time < hold.since + hold.seconds * 1000) {
      throw new StoreUnavailableError(`${hold.message}; not tried again for a while`)
    }
    hold = undefined
  }

  // A new instance for every login: an instance that holds a token sends it along with the login, and
  // an expired one makes the server refuse that too. Never `renew`, which deletes the token at the end
  // of its maximum life.
  async function logIn({ InfisicalSDK }: SdkModule): Promise<Session> {
    const sdk = new InfisicalSDK({ siteUrl })
    if (auth.method === 'access-token') sdk.auth().accessToken(auth.token)
    else if (auth.method === 'aws') {
      const { identityId } = auth
      await sdk.auth().awsIamAuth.login(identityId === undefined ? {} : { identityId })
    } else {
      const { clientId, clientSecret } = auth
      await sdk.auth().universalAuth.login({ clientId, clientSecret })
    }
    const token = sdk.auth().getAccessToken()
    if (token === null) throw new UnreadableAnswerError()
    const life = tokenLifeSeconds(token, now())
    const made = { sdk, renewAt: life === undefined ? undefined : now() + life * 900 }
    // Also when the one who asked has gone: the login counts, and the next one need not be made.
    session = made
    return made
  }

  async function startLogin(): Promise<Session> {
    const loaded = await loadSdk()
    const deadline = performance.now() + readDeadlineMilliseconds
    try {
      const made = await gate.run({ deadline }, () => logIn(loaded), outageOf)
      emit({ type: 'login', outcome: 'done' })
      return made
    } catch (error) {
      if (isAuthError(error)) {
        emit({ type: 'login', outcome: 'failed' })
        throw error
      }
      const failure = parseSdkError(error)
      if (failure.kind === 'answered' && !isOutage(failure)) {
        throw failure.status === 401
          ? holdLogins(LOGIN_HOLD_SECONDS, 'Infisical refused the login of the identity')
          : holdLogins(
              MISCONFIGURED_HOLD_SECONDS,
              `Infisical refused the login (status ${failure.status}); check siteUrl and auth`,
            )
      }
      emit({ type: 'login', outcome: 'failed' })
      // The error of the SDK is no cause: it can hold the URL, and AWS errors the environment.
      throw new StoreUnavailableError('the login to Infisical failed')
    }
  }

  /** The session that is there needs no waiting. */
  function current(limits: CallLimits): Session | Promise<Session> {
    if (session?.renewAt !== undefined && now() >= session.renewAt) session = undefined
    if (session !== undefined) return session
    requireNoHold()
    if (flight === undefined) {
      const started = startLogin()
      flight = started
      const end = () => {
        if (flight === started) flight = undefined
      }
      started.then(end, end)
    }
    return withinLimits(flight, limits)
  }

  return {
    async use(limits, call) {
      const there = current(limits)
      const first = there instanceof Promise ? await there : there
      try {
        const value = await gate.run(limits, () => call(first.sdk), outageOf)
        refusals = 0
        return value
      } catch (error) {
        if (isAuthError(error) || !isTokenRefusal(parseSdkError(error))) throw error
        // Another call may have logged in meanwhile.
        if (session === first) session = undefined
      }

      const second = await current(limits)
      try {
        const value = await gate.run(limits, () => call(second.sdk), outageOf)
        refusals = 0
        return value
      } catch (error) {
        if (isAuthError(error) || !isTokenRefusal(parseSdkError(error))) throw error
        if (session === second) session = undefined
        const seconds = Math.min(FIRST_REFUSAL_HOLD_SECONDS * 2 ** refusals++, LOGIN_HOLD_SECONDS)
        throw holdLogins(seconds, 'Infisical refuses the access token')
      }
    },
  }
}
