import { createHash, createHmac, createSecretKey, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  createSecrets,
  digestClientSecret,
  isSecretDigest,
  matchesClientSecret,
} from '../../src/engine/secrets.js'

const PURPOSE = 'a purpose'
const entry = (bytes: Uint8Array) => ({ key: createSecretKey(bytes) })
const current = randomBytes(32)
const former = randomBytes(32)
const secrets = createSecrets([entry(current), entry(former)])

/** HMAC of length-prefixed parts under the derived key, computed apart. */
function expected(key: Uint8Array, purpose: string, parts: readonly string[]): string {
  const label = `mcp-authorization-server ${purpose}`
  const derived = createHmac('sha256', key).update(label).digest()
  const mac = createHmac('sha256', derived)
  for (const part of parts) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(Buffer.byteLength(part))
    mac.update(length).update(part)
  }
  return mac.digest('base64url')
}

describe('digestClientSecret()', () => {
  it('marks SHA-256 as base64url, so that it is told from a secret', () => {
    const digest = createHash('sha256').update('canary').digest('base64url')
    expect(digestClientSecret('canary')).toBe(`sha256:${digest}`)
    expect(isSecretDigest(digestClientSecret('canary'))).toBe(true)
  })

  it.each(['canary', '', 'sha256', 'canary sha256:', ' sha256:x'])(
    'takes %j for no digest',
    (text) => {
      expect(isSecretDigest(text)).toBe(false)
    },
  )
})

describe('matchesClientSecret()', () => {
  it('takes the secret whose digest is stored', () => {
    expect(matchesClientSecret('canary', digestClientSecret('canary'))).toBe(true)
    expect(matchesClientSecret('', digestClientSecret(''))).toBe(true)
  })

  it.each([
    ['another digest', 'canary', digestClientSecret('canary2')],
    ['the secret itself', 'canary', 'canary'],
    ['the digest in place of the secret', digestClientSecret('a'), digestClientSecret('a')],
    ['a digest that is cut off', 'canary', digestClientSecret('canary').slice(0, -1)],
    ['a digest without its mark', 'canary', digestClientSecret('canary').slice('sha256:'.length)],
    ['an empty text', 'canary', ''],
    ['nothing', '', undefined],
  ])('refuses a secret where %s is stored', (_, secret, stored) => {
    expect(matchesClientSecret(secret, stored)).toBe(false)
  })
})

describe('createSecrets()', () => {
  it.each([[[]], [['']], [['a', 'bc']], [['ü', '日本', 'x'.repeat(300)]]])('signs %j', (parts) => {
    expect(secrets.sign(PURPOSE, ...parts)).toBe(expected(current, PURPOSE, parts))
    expect(secrets.signAll(PURPOSE, ...parts)).toEqual([
      expected(current, PURPOSE, parts),
      expected(former, PURPOSE, parts),
    ])
  })

  it('derives a key of 32 bytes from the current key and the purpose', () => {
    const label = `mcp-authorization-server ${PURPOSE}`
    expect(secrets.derive(PURPOSE)).toEqual(createHmac('sha256', current).update(label).digest())
    expect(secrets.derive('other')).not.toEqual(secrets.derive(PURPOSE))
  })

  it('takes the signature of any key of the ring, and of no other', () => {
    for (const each of secrets.signAll(PURPOSE, 'a', 'b')) {
      expect(secrets.verify(each, PURPOSE, 'a', 'b')).toBe(true)
    }
    const foreign = createSecrets([entry(randomBytes(32))])
    expect(secrets.verify(foreign.sign(PURPOSE, 'a', 'b'), PURPOSE, 'a', 'b')).toBe(false)
    expect(createSecrets([entry(former)]).verify(secrets.sign(PURPOSE), PURPOSE)).toBe(false)
  })

  const signature = secrets.sign(PURPOSE, 'a', 'b')
  it.each([
    ['another purpose', signature, 'other', ['a', 'b']],
    ['parts that run together alike', signature, PURPOSE, ['ab', '']],
    ['parts in another order', signature, PURPOSE, ['b', 'a']],
    ['a part less', signature, PURPOSE, ['a']],
    ['an end that is missing', signature.slice(0, -1), PURPOSE, ['a', 'b']],
    ['more at its end', `${signature}A`, PURPOSE, ['a', 'b']],
    ['nothing', '', PURPOSE, ['a', 'b']],
    ['a text of the same length', 'A'.repeat(signature.length), PURPOSE, ['a', 'b']],
  ])('refuses a signature with %s', (_, given, purpose, parts) => {
    expect(secrets.verify(signature, PURPOSE, 'a', 'b')).toBe(true)
    expect(secrets.verify(given, purpose, ...parts)).toBe(false)
  })

  it('keeps purposes apart, also when they are asked again', () => {
    const fresh = createSecrets([entry(current)])
    const signed = ['one', 'two', 'one', 'two'].map((purpose) => fresh.sign(purpose, 'a'))
    expect(signed).toEqual(['one', 'two', 'one', 'two'].map((p) => expected(current, p, ['a'])))
  })

  it('cannot sign without a key, and takes no signature then', () => {
    const none = createSecrets([])
    expect(() => none.sign(PURPOSE)).toThrow('at least one key is needed')
    expect(() => none.derive(PURPOSE)).toThrow(TypeError)
    expect(none.verify(signature, PURPOSE, 'a', 'b')).toBe(false)
  })
})
