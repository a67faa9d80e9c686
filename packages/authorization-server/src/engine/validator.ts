import {
  createJwtProfileValidator,
  type Principal,
  type TokenValidator,
  type ValidatorHost,
  type Verdict,
} from '@bestviable/mcp-auth-middleware'
import type { Engine } from './engine.js'

const RETRY_AFTER_SECONDS = 5

/**
 * Creates the validator for our own access tokens. It reads the keys of this process, never over HTTP,
 * and looks at the revocations of all replicas on every request. When those cannot be followed any
 * more the answer is 503: an outage is never a bad token.
 */
export function createOwnValidator(engine: Engine): TokenValidator {
  const { issuer, algorithm, now } = engine.parts
  const hosts: ValidatorHost[] = []
  let generation = { current: true }

  const build = (): TokenValidator =>
    createJwtProfileValidator({
      name: 'authorization-server',
      issuers: [issuer],
      authorizationServers: [issuer],
      keys: { jwks: engine.keys.jwks },
      algorithms: [algorithm],
      typ: ['at+jwt'],
      audiences: 'resources',
      profile: 'rfc9068',
      principal: ({ sub, client_id: clientId, grant_id: grantId }) => ({
        kind: sub === clientId ? 'service' : 'user',
        // Only clients that the operator registered get tokens of their own.
        admittedByName: sub === clientId,
        grantId: typeof grantId === 'string' ? grantId : undefined,
      }),
      now,
    })
  let inner = build()
  engine.keys.onChange(() => {
    generation.current = false
    generation = { current: true }
    inner = build()
    for (const host of hosts) inner.attach?.(host)
  })

  const recheck = (principal: Principal, time: number): Verdict | undefined => {
    const { tokenId, grantId, subject, clientId } = principal
    switch (engine.feed.check({ tokenId, grantId, subject, clientId }, time)) {
      case 'revoked':
        return { kind: 'rejected', reason: 'revoked' }
      case 'stale':
        return {
          kind: 'unavailable',
          retryAfterSeconds: RETRY_AFTER_SECONDS,
          reason: 'revocations_stale',
        }
      default:
        return undefined
    }
  }

  return {
    name: inner.name,
    selects: inner.selects,
    authorizationServers: [issuer],
    scopeSource: 'token',
    resourceBinding: 'audience',
    async validate(credential, context) {
      const issued = generation
      const verdict = await inner.validate(credential, context)
      if (verdict.kind !== 'accepted') return verdict
      const objection = recheck(verdict.principal, context.now)
      if (objection !== undefined) return objection
      return {
        ...verdict,
        reuse: verdict.reuse && { until: verdict.reuse.until, generation: issued },
      }
    },
    recheck,
    attach(host) {
      hosts.push(host)
      inner.attach?.(host)
    },
  }
}
