import { getHeapStatistics } from 'node:v8'
import { describe, expect, it } from 'vitest'
import {
  createMessageBudget,
  defaultBytesAtOnce,
  type MessageRoom,
} from '../../src/resource-server/message-budget.js'

const KIB = 1024
const MIB = 1024 * KIB

function roomOf(taken: MessageRoom | 'full' | undefined): MessageRoom {
  if (taken === undefined || taken === 'full') throw new Error(`no room but ${taken}`)
  return taken
}

describe('createMessageBudget()', () => {
  const budget = () =>
    createMessageBudget({ maxMessageBytes: 64 * KIB, maxMessageBytesAtOnce: 100 * KIB })

  it('takes what fits to the byte, and not one byte more', () => {
    const { take } = budget()
    roomOf(take(60 * KIB))
    expect(take(40 * KIB + 1)).toBe('full')
    roomOf(take(40 * KIB))
    expect(take(16 * KIB + 1)).toBe('full')
  })

  it('does not count a body of 16 KiB, and counts one byte more', () => {
    const { take } = budget()
    roomOf(take(60 * KIB))
    roomOf(take(40 * KIB))
    expect([take(0), take(16 * KIB)]).toEqual([undefined, undefined])
    expect(take(16 * KIB + 1)).toBe('full')
  })

  it('leaves a body to its refusal that is over the limit of one message', () => {
    const { take } = budget()
    expect(take(64 * KIB + 1)).toBeUndefined()
    roomOf(take(64 * KIB))
  })

  it('takes the longest message for a body of unknown length, until its size is known', () => {
    const { take } = budget()
    const unknown = roomOf(take(undefined))
    expect(take(36 * KIB + 1)).toBe('full')
    unknown.shrink(20 * KIB)
    expect(take(64 * KIB)).toBeDefined()
    expect(take(16 * KIB + 1)).toBe('full')
  })

  it('gives room back once, however often it is released or shrunk', () => {
    const { take } = budget()
    const first = roomOf(take(60 * KIB))
    first.shrink(64 * KIB)
    expect(take(40 * KIB + 1)).toBe('full')
    first.release()
    first.release()
    first.shrink(0)
    roomOf(take(50 * KIB))
    roomOf(take(50 * KIB))
    expect(take(16 * KIB + 1)).toBe('full')
  })
})

describe('defaultBytesAtOnce()', () => {
  it('is a sixteenth of the heap limit of this process', () => {
    const { heap_size_limit: heap } = getHeapStatistics()
    expect(defaultBytesAtOnce(KIB)).toBe(Math.floor(heap / 16))
    expect(defaultBytesAtOnce(4 * MIB, 160 * MIB)).toBe(10 * MIB)
  })

  it('is never less than one message', () => {
    expect(defaultBytesAtOnce(4 * MIB, 64 * MIB)).toBe(4 * MIB)
    expect(defaultBytesAtOnce(4 * MIB, 16 * MIB)).toBe(4 * MIB)
  })
})
