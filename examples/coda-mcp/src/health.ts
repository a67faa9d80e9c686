import { type Request, type Response, Router } from 'express'

/** What the health document says about the server. */
export interface HealthOptions {
  readonly version: string
  /** Kind of the credential store. */
  readonly store: string
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

/** How callers come in. */
export interface SignIn {
  /** Names of the ways in, the main one first. */
  readonly providers: readonly string[]
  /** Whether clients can sign in by OAuth; false with fixed tokens only. */
  readonly oauthCompliant: boolean
}

/** State of the server and the routes that show it. */
export interface Health {
  readonly router: Router
  /** Tells how callers come in. Until then nobody does. */
  signIn(signIn: SignIn): void
  /** Everything that is needed at start was seen. Ready from now on, until {@link Health.drain}. */
  started(): void
  /** Shutting down: not ready any more. */
  drain(): void
  /** A dependency works or does not. Changes what is shown, never whether the server is ready. */
  degraded(reason: DegradedReason, isDegraded: boolean): void
  /** For metrics. */
  state(): { readonly ready: boolean; readonly degraded: ReadonlySet<DegradedReason> }
}

/** A dependency that can be away. */
export type DegradedReason = 'store' | 'database'

/**
 * `GET /health` shows the state and is 200 while the process lives; `/health/live` is for liveness
 * probes; `/health/ready` is 200 from `started` to `drain`, so that a short outage of a dependency
 * does not take every replica out of service.
 */
export function createHealth(options: HealthOptions): Health {
  const { version, store, now = Date.now } = options
  let known: SignIn = { providers: [], oauthCompliant: false }
  const degradedBy = new Set<DegradedReason>()
  let state: 'starting' | 'ready' | 'draining' = 'starting'

  const router = Router()
  router.use('/health', (_request, response, next) => {
    response.set('cache-control', 'no-store')
    next()
  })
  router.get('/health', (_request: Request, response: Response) => {
    const { providers, oauthCompliant } = known
    response.json({
      status: degradedBy.size === 0 ? 'ok' : 'degraded',
      service: 'coda-mcp',
      version,
      auth: { provider: providers[0] ?? 'none', providers, oauth_compliant: oauthCompliant },
      store: { type: store, status: degradedBy.has('store') ? 'unavailable' : 'ok' },
      timestamp: new Date(now()).toISOString(),
    })
  })
  router.get('/health/live', (_request: Request, response: Response) => {
    response.json({ status: 'live' })
  })
  router.get('/health/ready', (_request: Request, response: Response) => {
    response.status(state === 'ready' ? 200 : 503).json({ status: state })
  })

  return {
    router,
    signIn: (signIn) => {
      known = signIn
    },
    started: () => {
      if (state === 'starting') state = 'ready'
    },
    drain: () => {
      state = 'draining'
    },
    degraded: (reason, isDegraded) => {
      if (isDegraded) degradedBy.add(reason)
      else degradedBy.delete(reason)
    },
    state: () => ({ ready: state === 'ready', degraded: degradedBy }),
  }
}
