import { describe, expect, it } from 'vitest'
import { createTurns } from '../src/tools/turns.js'

function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

const forever = new AbortController().signal

describe('createTurns()', () => {
  it('runs the work of one key in order, and that of other keys beside it', async () => {
    const turns = createTurns()
    const first = gate()
    const log: string[] = []
    const note = (text: string) => async () => void log.push(text)
    const all = [
      turns.run('a', forever, async () => {
        await first.opened
        log.push('a1')
      }),
      turns.run('a', forever, note('a2')),
      turns.run('b', forever, note('b1')),
    ]
    await all[2]
    expect(log).toEqual(['b1'])
    first.open()
    await Promise.all(all)
    expect(log).toEqual(['b1', 'a1', 'a2'])
  })

  it('goes on after work that failed', async () => {
    const turns = createTurns()
    const failing = turns.run('a', forever, () => Promise.reject(new Error('broken')))
    const next = turns.run('a', forever, async () => 'next')
    await expect(failing).rejects.toThrow('broken')
    expect(await next).toBe('next')
  })

  it('lets nobody in early when one gives up waiting', async () => {
    const turns = createTurns()
    const first = gate()
    const log: string[] = []
    const holder = turns.run('a', forever, async () => await first.opened)
    const controller = new AbortController()
    const impatient = turns.run('a', controller.signal, async () => void log.push('impatient'))
    const last = turns.run('a', forever, async () => void log.push('last'))
    controller.abort(new Error('enough'))
    await expect(impatient).rejects.toThrow('enough')
    // Everything that could let the last one in has run by then.
    await new Promise((resolve) => setImmediate(resolve))
    expect(log).toEqual([])
    first.open()
    await Promise.all([holder, last])
    expect(log).toEqual(['last'])
  })

  it('does not begin with a signal that is aborted already', async () => {
    const controller = new AbortController()
    controller.abort(new Error('enough'))
    const run = createTurns().run('a', controller.signal, async () => 'began')
    await expect(run).rejects.toThrow('enough')
  })
})
