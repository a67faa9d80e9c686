import type { AuthEvent } from '@bestviable/mcp-auth-middleware'
import type { AuthorizationServerEvent } from '@bestviable/mcp-authorization-server'
import type { Metrics } from './metrics.js'

const keySetOutcomes = {
  'keys-fetched': 'fetched',
  'keys-unavailable': 'unavailable',
  'issuer-misconfigured': 'misconfigured',
} as const

/** Counts what the guard reports. */
export function observeGuard(metrics: Metrics): (event: AuthEvent) => void {
  return (event) => {
    if (event.type === 'incident') {
      const { kind, validator } = event
      if (!(kind in keySetOutcomes)) return
      const outcome = keySetOutcomes[kind as keyof typeof keySetOutcomes]
      metrics.count('key_set_fetches_total', { validator, outcome })
      return
    }
    const { outcome, validator = 'none', cached } = event
    metrics.count('mcp_requests_total', { outcome, validator })
    if (outcome !== 'accepted') return
    metrics.count('token_validation_cache_total', { result: cached === true ? 'hit' : 'miss' })
  }
}

/** Counts what the embedded authorization server reports. */
export function observeAuthorizationServer(
  metrics: Metrics,
): (event: AuthorizationServerEvent) => void {
  // The first one has to be seen as an increase.
  for (const event of ['token.reuse', 'code.reuse']) {
    metrics.count('oauth_events_total', { event, outcome: 'denied' }, 0)
  }
  return ({ event, outcome }) => metrics.count('oauth_events_total', { event, outcome })
}
