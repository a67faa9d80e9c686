import type { Principal } from '../principal.js'
import { createHmacSha256, randomBase64url } from '../runtime.js'

/** Issues and checks session ids that only their principal can use. */
export interface SessionIds {
  create(principal: Principal): string
  /**
   * `foreign`: an id of ours that belongs to another principal or was altered. `unknown`: not made
   * here, so its owner is the server's own business.
   */
  check(id: string, principal: Principal): 'own' | 'foreign' | 'unknown'
}

const FORMAT = /^mas1\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/

/** Length-prefixed, so that ("a", "bc") and ("ab", "c") are two identities. */
function identity(random: string, { issuer, subject }: Principal): string {
  return `mas1:${random}:${issuer.length}:${issuer}:${subject.length}:${subject}`
}

/** Compares two texts of fixed length without an early exit. */
function equals(left: string, right: string): boolean {
  if (left.length !== right.length) return false
  let difference = 0
  for (let index = 0; index < left.length; index += 1) {
    difference |= left.charCodeAt(index) ^ right.charCodeAt(index)
  }
  return difference === 0
}

/**
 * Creates session ids of 128 random bits followed by an HMAC-SHA-256 of the principal.
 *
 * Any replica with the same key refuses another user's id without storage. The id authenticates
 * nobody: every request still needs its own credential.
 *
 * @param key - at least 32 bytes as base64url; a random one per process when absent.
 * @see MCP security best practices, session hijacking
 */
export function createSessionIds(key: string | undefined): SessionIds {
  let hmac: ((text: string) => string) | undefined

  const mac = (text: string): string => {
    hmac ??= createHmacSha256(key ?? randomBase64url(32))
    return hmac(text)
  }
  return {
    create(principal) {
      const random = randomBase64url(16)
      return `mas1.${random}.${mac(identity(random, principal))}`
    },
    check(id, principal) {
      const match = FORMAT.exec(id)
      if (match === null) return id.startsWith('mas1.') ? 'foreign' : 'unknown'
      const [, random = '', presented = ''] = match
      try {
        return equals(presented, mac(identity(random, principal))) ? 'own' : 'foreign'
      } catch {
        // A runtime without node:crypto makes no ids, so none can be its own.
        return 'foreign'
      }
    },
  }
}
