import { describe, expect, it } from 'vitest'
import { keyIdFromBytes, keyIdToBytes } from '../../src/keys/key-id.js'

const KEY_ID = '00a1b2c3d4e5f6ff'
const BYTES = [0x00, 0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0xff]

describe('key ids in the database', () => {
  it('are the bytes of their hex digits', () => {
    expect([...keyIdToBytes(KEY_ID)]).toEqual(BYTES)
  })

  it.each([Buffer.from(BYTES), new Uint8Array(BYTES)])('are read as lower-case hex', (bytes) => {
    expect(keyIdFromBytes(bytes)).toBe(KEY_ID)
  })

  it.each([undefined, null, KEY_ID, 7, [...BYTES], {}])('are an empty text for %j', (value) => {
    expect(keyIdFromBytes(value)).toBe('')
  })
})
