import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createRecordIds } from '../../src/storage/record-ids.js'

const sha256 = (text: string) => createHash('sha256').update(text).digest()
const bytesOf = (digest: Uint8Array) => Buffer.from(digest)
const stored = randomBytes(32)

describe('createRecordIds()', () => {
  const ids = createRecordIds()
  const sessions = ids('Session')
  const handle = sessions.handle(stored)

  it('digests an id by SHA-256', () => {
    for (const id of ['an-id', '', 'record', 'x.y']) {
      expect(bytesOf(sessions.digest(id))).toEqual(sha256(id))
    }
  })

  it('reads the digest that its handle names', () => {
    expect(handle).toMatch(/^record:[\w-]{43}\.[\w-]{43}$/)
    expect(handle).toContain(stored.toString('base64url'))
    expect(bytesOf(sessions.digest(handle))).toEqual(stored)
    expect(bytesOf(ids('Session').digest(handle))).toEqual(stored)
    expect(bytesOf(sessions.digest(sessions.handle(new Uint8Array(stored))))).toEqual(stored)
  })

  const [digest = '', signature = ''] = handle.slice('record:'.length).split('.')
  const other = createRecordIds()('Session').handle(stored)
  it.each([
    ['of another process', other],
    ['of another model', ids('Grant').handle(stored)],
    ['without a signature', `record:${digest}`],
    ['with an empty signature', `record:${digest}.`],
    ['with a short signature', `record:${digest}.${signature.slice(0, -3)}`],
    ['with a signature too long', `record:${digest}.${signature}AAAA`],
    ['with another digest', `record:${sha256('x').toString('base64url')}.${signature}`],
    ['with another prefix', `grants:${digest}.${signature}`],
    ['without a prefix', `${digest}.${signature}`],
    ['that is only a prefix', 'record:'],
    ['that is only a dot', 'record:.'],
  ])('takes a handle %s for an id like any other', (_, id) => {
    expect(bytesOf(sessions.digest(id))).toEqual(sha256(id))
  })
})
