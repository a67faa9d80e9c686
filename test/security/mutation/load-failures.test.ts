import { describe, expect, it } from 'vitest'
import { loadFailures } from './load-failures.mjs'

const passed = { type: 'test', result: { state: 'pass' } }
const failed = { type: 'test', result: { state: 'fail' } }
const broken = (message: string) => ({ state: 'fail', errors: [{ message }] })

function endedWith(result: unknown, ...tasks: readonly unknown[]) {
  const file = { type: 'suite', result, tasks: [...tasks] }
  loadFailures.onTestRunEnd([{ task: file }])
  return file
}

describe('loadFailures', () => {
  it('makes a failed test of a file that could not be loaded', () => {
    const file = endedWith(broken('door is not a function'))
    expect(file.tasks).toEqual([
      expect.objectContaining({ type: 'test', name: 'the file loads', file, result: file.result }),
    ])
  })

  it.each([
    ['a file that passed', { state: 'pass' }, [passed]],
    ['a file of which a test failed', { state: 'fail' }, [passed, failed]],
    [
      'a file with a failed test in a suite',
      { state: 'fail' },
      [{ type: 'suite', tasks: [failed] }],
    ],
    ['a file that was not run', undefined, []],
    ['a package that is being built', broken('Failed to resolve entry for package "x"'), []],
    ['a module that is being built', broken("Cannot find module '/x.js'"), []],
  ])('adds nothing to %s', (_, result, tasks) => {
    expect(endedWith(result, ...tasks).tasks).toEqual(tasks)
  })
})
