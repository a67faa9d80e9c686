import { describe, expect, it } from 'vitest'
import { createSessionIds } from '../../src/resource-server/session-id.js'
import { principalOf } from './fakes.js'

const KEY = Buffer.alloc(32, 7).toString('base64url')
const ann = principalOf({ subject: 'ann' })

describe('createSessionIds()', () => {
  it('takes nothing in front of an id of its own, and counts what follows as altered', () => {
    const ids = createSessionIds(KEY)
    const id = ids.create(ann)
    expect(ids.check(id, ann)).toBe('own')
    expect(ids.check(`x${id}`, ann)).toBe('unknown')
    expect(ids.check(`${id}x`, ann)).toBe('foreign')
  })

  it('calls every id foreign where no HMAC can be made', () => {
    const id = createSessionIds(KEY).create(ann)
    const unable = createSessionIds('no base64url!')
    expect(() => unable.create(ann)).toThrow()
    expect(unable.check(id, ann)).toBe('foreign')
  })
})
