import { sha256 } from '../../runtime.js'
import type { CredentialInput } from '../token-store.js'

/**
 * Formats everything that is written of a credential as one text, equal for equal credentials: names of
 * metadata are sorted, version and time are left out. Contains the secret.
 */
export function canonicalCredential(input: CredentialInput): string {
  const { kind, secret, refreshToken, expiresAt, scopes, metadata } = input
  // Sorted by code unit; the order of a locale could differ between two processes.
  const remarks =
    metadata && Object.entries(metadata).sort(([one], [other]) => (one < other ? -1 : 1))
  return JSON.stringify([
    'credential-1',
    kind,
    secret,
    refreshToken ?? null,
    expiresAt ?? null,
    scopes ?? null,
    remarks ?? null,
  ])
}

/** Tells whether two stores hold the same credential, whatever versions they gave it. */
export function isSameCredential(one: CredentialInput, other: CredentialInput): boolean {
  return canonicalCredential(one) === canonicalCredential(other)
}

/**
 * Computes the SHA-256 over everything that is written of a credential (all members but `version` and
 * `updatedAt`), as base64url: equal in two stores that hold the same.
 *
 * For comparisons in memory. Never print or store it: whoever sees the digest of a short secret can
 * try out guesses.
 */
export async function credentialDigest(input: CredentialInput): Promise<string> {
  return sha256(canonicalCredential(input))
}
