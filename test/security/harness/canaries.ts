import { randomBytes } from 'node:crypto'

/** A secret that was found where it must not be. The secret itself is not in it. */
export interface CanaryHit {
  /** What the secret is, as it was named. */
  readonly name: string
  /** Where it was found. */
  readonly place: string
  /** How it was written there. */
  readonly encoding: string
}

/** Secrets of one run, each of which occurs nowhere else in the world. */
export interface Canaries {
  /** Makes a secret that no other run has. Letters, digits and `-` only. */
  mint(name: string): string
  /** Watches for a secret that somebody else made, such as a token. At least 16 characters. */
  watch(name: string, secret: string): string
  /** Every watched secret that the text contains, in any encoding that a log or a body may use. */
  scan(place: string, text: string): readonly CanaryHit[]
  /** How many secrets are watched. */
  readonly size: number
}

const LEAST_CHARACTERS = 16

/** The part of a base64 text that does not depend on the bytes before and after the secret. */
function base64Core(secret: string, offset: number): string {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)])
  const text = bytes.toString('base64').replaceAll('=', '')
  // The first group holds foreign bits, and so may the last one.
  return text.slice(offset === 0 ? 0 : 4, -4)
}

/** Every way of writing a secret that is looked for. */
function encodingsOf(secret: string): ReadonlyMap<string, string> {
  const bytes = Buffer.from(secret)
  const encodings = new Map([
    ['plain', secret],
    ['reversed', [...secret].reverse().join('')],
    ['hex', bytes.toString('hex')],
    ['HEX', bytes.toString('hex').toUpperCase()],
    ['URL', encodeURIComponent(secret)],
    ['JSON', JSON.stringify(secret).slice(1, -1)],
  ])
  for (const offset of [0, 1, 2]) {
    const core = base64Core(secret, offset)
    encodings.set(`base64 at ${offset}`, core)
    encodings.set(`base64url at ${offset}`, core.replaceAll('+', '-').replaceAll('/', '_'))
  }
  return encodings
}

/** Starts a list of secrets without any. */
export function createCanaries(): Canaries {
  const watched = new Map<string, ReadonlyMap<string, string>>()

  function watch(name: string, secret: string): string {
    if (secret.length < LEAST_CHARACTERS) {
      throw new TypeError(`${name}: a secret this short is found by chance`)
    }
    if (watched.has(name)) throw new TypeError(`${name}: this name is taken`)
    watched.set(name, encodingsOf(secret))
    return secret
  }

  return {
    watch,
    mint: (name) => watch(name, `canary-${randomBytes(16).toString('hex')}`),
    scan(place, text) {
      const hits: CanaryHit[] = []
      for (const [name, encodings] of watched) {
        for (const [encoding, written] of encodings) {
          if (!text.includes(written)) continue
          hits.push({ name, place, encoding })
          break
        }
      }
      return hits
    },
    get size() {
      return watched.size
    },
  }
}
