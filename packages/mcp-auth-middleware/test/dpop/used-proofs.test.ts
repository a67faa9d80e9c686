import { describe, expect, it } from 'vitest'
import { createUsedProofs } from '../../src/dpop/used-proofs.js'

describe('createUsedProofs()', () => {
  it('remembers a proof until it is too old', () => {
    const isFirst = createUsedProofs(10)
    expect(isFirst('a', 1000, 0)).toBe(true)
    expect(isFirst('a', 1000, 1000)).toBe(false)
    expect(isFirst('a', 3000, 1001)).toBe(true)
  })

  it('forgets the one used first when there are too many', () => {
    const isFirst = createUsedProofs(2)
    for (const id of ['a', 'b', 'c']) expect(isFirst(id, 1000, 0)).toBe(true)
    expect(isFirst('c', 1000, 0)).toBe(false)
    expect(isFirst('a', 1000, 0)).toBe(true)
  })
})
