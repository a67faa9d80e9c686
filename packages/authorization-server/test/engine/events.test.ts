import { describe, expect, it } from 'vitest'
import { type AuthorizationServerEvent, createEventSink } from '../../src/engine/events.js'
import type { AuditInput } from '../../src/storage/storage.js'
import { createMemoryStorage } from './support/memory-storage.js'

const event = (reason: string): AuditInput => ({ event: 'consent', outcome: 'done', reason })

function open(onEvent?: (event: AuthorizationServerEvent) => unknown) {
  const told: (string | undefined)[] = []
  const memory = createMemoryStorage(() => 1)
  const events = createEventSink({
    storage: memory,
    onEvent: onEvent ?? ((each) => told.push(each.reason)),
    now: () => 1,
  })
  const audited = () => memory.state.audit.map(({ reason }) => reason)
  return { storage: memory, events, told, audited }
}

describe('events', () => {
  it('are told after the commit, in their order', async () => {
    const { events, storage, told, audited } = open()
    await storage.transaction(async () => {
      await events.record(event('one'))
      await storage.transaction(() => events.record(event('two')))
      expect(told).toEqual([])
    })
    expect(told).toEqual(['one', 'two'])
    expect(audited()).toEqual(['one', 'two'])
    await events.record(event('three'))
    expect(told).toEqual(['one', 'two', 'three'])
  })

  it('are not told of what was rolled back', async () => {
    const { events, storage, told, audited } = open()
    const failing = storage.transaction(async () => {
      await events.record(event('undone'))
      throw new Error('stop')
    })
    await expect(failing).rejects.toThrow('stop')
    expect([told, audited()]).toEqual([[], []])
  })

  it('cannot break what they tell of', async () => {
    for (const onEvent of [
      () => {
        throw new Error('listener')
      },
      () => Promise.reject(new Error('listener')),
    ]) {
      const { events, audited } = open(onEvent)
      await events.record(event('one'))
      expect(audited()).toEqual(['one'])
    }
  })
})
