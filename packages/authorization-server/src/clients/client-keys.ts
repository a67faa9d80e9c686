import type { ClientMetadata } from './client-policy.js'
import { MetadataRefusal } from './metadata-refusal.js'

type ClientKeys = NonNullable<ClientMetadata['jwks']>

const MAX_KEYS = 20
const ASYMMETRIC = new Set<unknown>(['RSA', 'EC', 'OKP', 'AKP'])
/** Members that only private or symmetric keys have (RFC 7518 section 6). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

function refuse(rule: string): never {
  throw new MetadataRefusal('invalid_client_metadata', `jwks ${rule}`)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Checks the inline keys of a client.
 *
 * @throws MetadataRefusal unless all are public keys of a signature algorithm.
 */
export function parseClientKeys(value: unknown): ClientKeys {
  const keys = isRecord(value) ? value.keys : undefined
  if (!Array.isArray(keys) || keys.length === 0) refuse('must be a JWK Set with keys')
  if (keys.length > MAX_KEYS) refuse(`must not have more than ${MAX_KEYS} keys`)
  return {
    keys: keys.map((key: unknown) => {
      if (!isRecord(key) || !ASYMMETRIC.has(key.kty)) refuse('must contain only asymmetric keys')
      if (PRIVATE_MEMBERS.some((member) => Object.hasOwn(key, member))) {
        refuse('must not contain private keys')
      }
      return { ...key }
    }),
  }
}
