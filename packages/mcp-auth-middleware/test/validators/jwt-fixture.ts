import type { TokenValidator, ValidatorIncident, Verdict } from '../../src/validators/validator.js'
import { createClock, createNetwork, type FakeClock, type FakeNetwork } from '../jwt/fakes.js'
import { createSigningKey, type SigningKey, signToken } from '../jwt/sign.js'

export const RESOURCE = 'https://mcp.test/mcp'

/** Attaches a validator to a host and hands tokens to it as the pipeline does. */
export interface Harness {
  readonly validator: TokenValidator
  readonly incidents: ValidatorIncident[]
  validate(token: string, resource?: string): Promise<Verdict>
  /** `accepted`, or `kind: reason`. */
  judge(token: string, resource?: string): Promise<string>
}

export function attach(
  validator: TokenValidator,
  clock: FakeClock,
  resources: readonly string[] = [RESOURCE],
): Harness {
  const incidents: ValidatorIncident[] = []
  validator.attach?.({ resources, report: (incident) => incidents.push(incident) })
  const validate: Harness['validate'] = async (token, resource = RESOURCE) =>
    validator.validate(token, { resource, digest: 'unused', now: clock.now() })
  return {
    validator,
    incidents,
    validate,
    async judge(token, resource) {
      const verdict = await validate(token, resource)
      return verdict.kind === 'accepted' ? 'accepted' : `${verdict.kind}: ${verdict.reason}`
    },
  }
}

/** A provider whose tokens a preset test varies. */
export interface FakeProvider {
  readonly clock: FakeClock
  readonly network: FakeNetwork
  readonly key: SigningKey
  /** Options that every preset takes. */
  readonly io: { readonly fetch: typeof globalThis.fetch; readonly now: () => number }
  /** Signs the provider's usual claims with changes; `undefined` removes one. */
  token(changes?: Record<string, unknown>, header?: Record<string, unknown>): string
}

export function createProvider(
  claims: Record<string, unknown>,
  answers: (jwks: { keys: Record<string, unknown>[] }) => Record<string, unknown>,
  header: Record<string, unknown> = { typ: 'JWT' },
  alg = 'RS256',
): FakeProvider {
  const clock = createClock()
  const key = createSigningKey(alg)
  const network = createNetwork(answers({ keys: [key.jwk] }))
  const seconds = clock.now() / 1000
  return {
    clock,
    network,
    key,
    io: { fetch: network.fetch, now: clock.now },
    token: (changes = {}, headerChanges = {}) =>
      signToken(
        key,
        { iat: seconds - 60, exp: seconds + 3600, ...claims, ...changes },
        { ...header, ...headerChanges },
      ),
  }
}
