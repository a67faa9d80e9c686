import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { generateEncryptionKey, localKeyProvider, parseEncryptionKeys } from '../../src/envelope.js'

// Every character of the two alphabets that differs is in it.
const bytes = Buffer.from('fbff00112233445566778899aabbccddeeff0123456789abcdeffedcba98fffe', 'hex')
const standard = bytes.toString('base64')
const url = bytes.toString('base64url')
const other = generateEncryptionKey()

function refusal(text: string): Error & { code?: string } {
  try {
    parseEncryptionKeys(text)
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('the keys were accepted')
}

describe('parseEncryptionKeys()', () => {
  it('reads base64 and base64url, which name one key', () => {
    expect(standard).toMatch(/[+/]/)
    expect(url).toMatch(/[-_]/)
    const [key] = parseEncryptionKeys(standard)
    expect(key?.key.export().equals(bytes)).toBe(true)
    expect(parseEncryptionKeys(url)[0]?.keyId).toBe(key?.keyId)
  })

  it('derives the key id from SHA-256 over a label and the key', () => {
    const digest = createHash('sha256').update('mcp-auth key id').update(bytes).digest('hex')
    expect(parseEncryptionKeys(standard)[0]?.keyId).toBe(digest.slice(0, 16))
  })

  it('keeps the order and ignores blanks around a comma', () => {
    const keys = parseEncryptionKeys(` ${other} ,\t${standard}\n`)
    expect(keys.map(({ keyId }) => keyId)).toEqual([
      parseEncryptionKeys(other)[0]?.keyId,
      parseEncryptionKeys(standard)[0]?.keyId,
    ])
  })

  it.each<[string, string]>([
    ['X14 a key of 31 bytes', bytes.subarray(0, 31).toString('base64')],
    ['X14 a key of 31 bytes, base64url', bytes.subarray(0, 31).toString('base64url')],
    ['X14 a key of 33 bytes', Buffer.concat([bytes, bytes.subarray(0, 1)]).toString('base64')],
    ['X14 nothing', ''],
    ['X14 only blanks', '   '],
    ['X14 64 hex digits', bytes.toString('hex')],
    ['X14 a word', 'password'],
    ['X14 a password of 32 characters', 'correct-horse-battery-staple-yes'],
    [
      'X14 a password of 32 characters, encoded',
      Buffer.from('correct-horse-battery-staple-yes').toString('base64'),
    ],
    ['X15 32 zero bytes', Buffer.alloc(32).toString('base64')],
    ['X15 32 equal bytes', Buffer.alloc(32, 0xa5).toString('base64')],
    ['X15 64 hex digits meant as base64', 'ABCDEF0123456789'.repeat(4)],
    ['no padding in the standard alphabet', standard.slice(0, -1)],
    ['padding in the other alphabet', `${url}=`],
    ['mixed alphabets', `-${standard.slice(1)}`],
    ['a blank inside', `${standard.slice(0, 20)} ${standard.slice(20)}`],
    ['a line break inside', `${standard.slice(0, 20)}\n${standard.slice(20)}`],
    ['trailing bits', standard.replace(/.=$/, '5=')],
    ['an unresolved placeholder', '${' + 'MCP_AUTH_ENCRYPTION_KEYS}'],
    ['quotes around it', `"${standard}"`],
    ['a data URL', `base64:${standard}`],
    ['a second = sign', `${standard}=`],
  ])('refuses %s and does not show it', (_title, text) => {
    expect(parseEncryptionKeys(standard)).toHaveLength(1)
    const error = refusal(text)
    expect(error.code).toBe('ERR_CONFIGURATION')
    expect(error.message).toContain('the first key')
    expect(error.message).toContain('mcp-auth keys generate')
    if (text.trim().length > 7) expect(inspect(error)).not.toContain(text.trim().slice(0, 8))
  })

  it('differs from the accepted key only in the trailing bits', () => {
    const changed = standard.replace(/.=$/, '5=')
    expect(changed).not.toBe(standard)
    expect(Buffer.from(changed, 'base64').equals(bytes)).toBe(true)
  })

  it('names every refused key by its place', () => {
    const { message } = refusal(`${standard},password,${other},`)
    expect(message).toContain('the second key is not 32 bytes')
    expect(message).toContain('the fourth key is empty')
    expect(message).not.toMatch(/the (first|third) key/)
  })

  it('refuses one key twice, also in its other spelling', () => {
    expect(refusal(`${standard},${standard}`).message).toContain('the second key is there twice')
    expect(refusal(`${standard},${other},${url}`).message).toContain('the third key is there twice')
  })

  it('takes 16 keys and refuses 17', () => {
    const keys = Array.from({ length: 17 }, generateEncryptionKey)
    expect(parseEncryptionKeys(keys.slice(1).join())).toHaveLength(16)
    expect(refusal(keys.join()).message).toContain('at most 16 keys')
  })

  it('refuses what is not a text', () => {
    expect(refusal(undefined as never).code).toBe('ERR_CONFIGURATION')
  })

  it('X33 gives keys that do not show themselves', () => {
    const keys = parseEncryptionKeys(standard)
    const shown = `${inspect(keys, { depth: 9, showHidden: true })}${JSON.stringify(keys)}`
    expect(shown).toContain(keys[0]?.keyId)
    for (const secret of [standard.slice(0, 8), bytes.toString('hex', 0, 8), '251,255']) {
      expect(shown).not.toContain(secret)
    }
  })
})

describe('generateEncryptionKey()', () => {
  it('makes another usable key each time', () => {
    const keys = Array.from({ length: 10 }, generateEncryptionKey)
    expect(parseEncryptionKeys(keys.join())).toHaveLength(10)
    expect(keys.every((key) => /^[A-Za-z0-9+/]{43}=$/.test(key))).toBe(true)
  })
})

describe('localKeyProvider()', () => {
  it('wraps under the first key and lists all', () => {
    const provider = localKeyProvider({ keys: `${other},${standard}` })
    const ids = parseEncryptionKeys(`${other},${standard}`).map(({ keyId }) => keyId)
    expect(provider.keyIds).toEqual(ids)
    expect(provider.currentKeyId).toBe(ids[0])
  })

  it.each<[string, unknown]>([
    ['no keys', {}],
    ['an empty text', { keys: '' }],
    ['a list', { keys: [standard] }],
    ['an unknown option', { keys: standard, key: standard }],
  ])('refuses %s', (_title, options) => {
    expect(() => localKeyProvider(options as never)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIGURATION' }),
    )
  })

  it('calls an unknown key id unavailable', () => {
    const provider = localKeyProvider({ keys: standard })
    const wrapped = { keyId: '0123456789abcdef', bytes: Buffer.alloc(61) }
    expect(() => provider.unwrap(wrapped, Buffer.alloc(0))).toThrow(
      expect.objectContaining({ code: 'ERR_STORE_UNAVAILABLE' }),
    )
  })
})
