import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createDueTimes } from '../../src/database/due-times.js'

function block(milliseconds: number): void {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

function watch(milliseconds: number) {
  const dueTimes = createDueTimes()
  const fired: number[] = []
  const due = {
    at: performance.now() + milliseconds,
    onDue(now: number) {
      fired.push(now - due.at)
      dueTimes.remove(due)
    },
  }
  dueTimes.add(due)
  return { fired, remove: () => dueTimes.remove(due) }
}

describe('createDueTimes()', () => {
  it('tells when the time has come, and not before', async () => {
    const { fired } = watch(200)
    await expect.poll(() => fired.length, { timeout: 10_000, interval: 5 }).toBe(1)
    expect(fired[0]).toBeGreaterThanOrEqual(0)
  })

  it('tells nothing of what was removed', async () => {
    const { fired, remove } = watch(50)
    remove()
    await delay(300)
    expect(fired).toEqual([])
  })

  it('lets a process that was stopped read its sockets first', async () => {
    const { fired, remove } = watch(100)
    block(800)
    // What is read from a socket now is read after the timers of this turn.
    await new Promise((resolve) => setImmediate(resolve))
    expect(fired).toEqual([])
    remove()
    await delay(100)
    expect(fired).toEqual([])
  })

  it('tells a process that is stopped again and again all the same', async () => {
    const { fired } = watch(100)
    for (let stop = 0; stop < 8; stop++) {
      block(350)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(fired).toHaveLength(1)
  })
})
