import type { CrashPlan } from '../../../store-postgres/test/crash/crash-points.js'

/** What a replica is told when it starts. */
export interface ReplicaJob {
  readonly connectionString: string
  readonly encryptionKeys: string
  /** Default: the origin at which it listens. */
  readonly issuer?: string | undefined
  /** Default: any that is free. */
  readonly port?: number | undefined
  /** Counts the awaits of requests from the action `begin` on, and dies at the planned one. */
  readonly crash?:
    | {
        readonly plan?: CrashPlan | undefined
        /** OpenID provider at which people can sign in as well; everybody then connects an account. */
        readonly company: string
      }
    | undefined
}
