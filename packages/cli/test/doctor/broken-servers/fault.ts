import type { CheckId } from '../../../src/doctor/check.js'
import type { DoctorOptions } from '../../../src/doctor/run-doctor.js'
import type { Replacement } from './parts.js'
import type { Layout, Site } from './site.js'

/** What the doctor is given besides the URL. */
export type Means = Pick<DoctorOptions, 'active' | 'client' | 'config' | 'token'>

/** A server in which one thing is wrong, and the check that finds it. */
export interface Fault {
  readonly check: CheckId
  /** What is wrong, as the rest of the sentence "a server that". */
  readonly server: string
  readonly status: 'failed' | 'warning'
  /** Parts of the healthy server that are replaced. None where the layout or the means are at fault. */
  readonly replacement?: Replacement
  readonly layout?: Layout
  /** Default: it only looks. */
  readonly means?: (site: Site) => Means
}

/** Means of the checks that register and sign in. */
export const active = (): Means => ({ active: true })

/** Names under which a site is on the Internet, behind something that ends TLS. */
export const PUBLIC = {
  resource: 'https://notes.example.com',
  authorization: 'https://login.example.com',
}
