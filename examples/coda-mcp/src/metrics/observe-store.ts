import { isAuthError, type TokenStore } from '@bestviable/mcp-auth-middleware'
import { inSpan } from '../tracing/in-span.js'
import type { Metrics } from './metrics.js'

const reasons: Readonly<Record<string, string>> = {
  ERR_STORE_UNAVAILABLE: 'unavailable',
  ERR_STORE_INTEGRITY: 'integrity',
  ERR_STORE_CONFLICT: 'conflict',
  ERR_STORE_INVALID: 'invalid',
  ERR_STORE_UNSUPPORTED: 'unsupported',
}

function reasonOf(error: unknown): string {
  return (isAuthError(error) ? reasons[error.code] : undefined) ?? 'other'
}

/**
 * Times the operations of a store and counts those that fail. Belongs behind the cache, so that it shows
 * the backend; a read that its caller gave up is left out.
 */
export function observeStore(store: TokenStore, kind: string, metrics: Metrics): TokenStore {
  // The first failure has to be seen as an increase.
  for (const operation of ['get', 'set', 'delete', 'check']) {
    for (const reason of ['unavailable', 'integrity']) {
      metrics.count('token_store_errors_total', { store: kind, operation, reason }, 0)
    }
  }

  async function timed<Value>(operation: string, run: () => Promise<Value>): Promise<Value> {
    const startedAt = performance.now()
    const labels = { store: kind, operation }
    const observe = (outcome: string): void => {
      const seconds = (performance.now() - startedAt) / 1000
      metrics.observe('token_store_operation_duration_seconds', { ...labels, outcome }, seconds)
    }
    try {
      const value = await inSpan(`token_store.${operation}`, { 'coda_mcp.store': kind }, run)
      observe('ok')
      return value
    } catch (error) {
      if (!(error instanceof Error && error.name === 'AbortError')) {
        observe('failed')
        metrics.count('token_store_errors_total', { ...labels, reason: reasonOf(error) })
      }
      throw error
    }
  }

  const { lease } = store
  return {
    ...store,
    get: (key, options) => timed('get', () => store.get(key, options)),
    set: (key, input, options) => timed('set', () => store.set(key, input, options)),
    delete: (key, options) => timed('delete', () => store.delete(key, options)),
    ...(lease === undefined
      ? {}
      : { lease: (key, seconds) => timed('lease', () => lease.call(store, key, seconds)) }),
    check: () => timed('check', () => store.check()),
  }
}
