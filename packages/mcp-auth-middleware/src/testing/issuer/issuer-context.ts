import type { ClientRegistry } from './clients.js'
import type { SigningAlgorithm } from './compact-jws.js'
import type { GrantStore } from './grants.js'
import type { SigningKeys } from './signing-keys.js'

/** Settled options of a test issuer. */
interface IssuerSettings {
  readonly algorithm: SigningAlgorithm
  /** Resources that tokens are for; empty: whatever a client asks for. */
  readonly audience: readonly string[]
  /** `undefined`: every scope that a client asks for is granted. */
  readonly scopes: readonly string[] | undefined
  readonly subject: string
  readonly email: string | undefined
  readonly accessTokenLifetimeSeconds: number
}

/** What the endpoints of one test issuer share. */
export interface IssuerContext {
  /** Issuer identifier. Throws while the port is not known yet. */
  issuer(): string
  /** Current time in epoch milliseconds. */
  readonly now: () => number
  readonly settings: IssuerSettings
  readonly keys: SigningKeys
  readonly clients: ClientRegistry
  readonly grants: GrantStore
}

/** Current time in epoch seconds, as claims carry it. */
export function epochSeconds({ now }: Pick<IssuerContext, 'now'>): number {
  return Math.floor(now() / 1000)
}
