import type { CredentialKey } from '@bestviable/mcp-auth-middleware'
import type { CrashPlan } from './crash-points.js'

/** What a process that may be killed has to do. Passed as JSON. */
export interface CrashJob {
  readonly operation: 'migrate' | 'rotate' | 'set'
  readonly connectionString: string
  /** Key ring, the current key first. */
  readonly keys: string
  /** Beginning of the values that `set` writes. */
  readonly secret?: string
  readonly plan?: CrashPlan
}

/** Key of one of the credentials. */
export function crashKey(index: number): CredentialKey {
  const owner = {
    kind: 'user',
    issuer: 'https://issuer.example',
    subject: `user-${index}`,
  } as const
  return { provider: 'coda', owner }
}
