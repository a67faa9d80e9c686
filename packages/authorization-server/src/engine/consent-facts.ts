import { createHash } from 'node:crypto'
import type { EngineParts } from './parts.js'

/** What was approved together with a grant, beside its scopes. */
export interface ConsentFacts {
  /** Fingerprint of the client's redirect URIs at that time. */
  readonly redirects: string
  readonly resource: string
  /** The client as the page showed it. */
  readonly clientName?: string | undefined
  readonly clientHost?: string | undefined
  /** Epoch seconds. */
  readonly grantedAt: number
}

const CONSENT_FACTS = 'ConsentFacts'

/** Identifies a list of redirect URIs, in whatever order. */
export function redirectFingerprint(redirectUris: readonly string[]): string {
  const sorted = JSON.stringify([...redirectUris].sort())
  return createHash('sha256').update(sorted).digest('base64url')
}

/** Keeps the facts as long as the grant. */
export async function keepConsentFacts(
  parts: EngineParts,
  grantId: string,
  facts: ConsentFacts,
): Promise<void> {
  await parts.storage
    .records(CONSENT_FACTS)
    .upsert(grantId, { grantId, facts }, parts.lifetimes.grant)
}

export async function readConsentFacts(
  parts: EngineParts,
  grantId: string,
): Promise<ConsentFacts | undefined> {
  const record = await parts.storage.records(CONSENT_FACTS).find(grantId)
  return record?.facts as ConsentFacts | undefined
}
