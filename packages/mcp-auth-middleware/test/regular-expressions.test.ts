import { describe, expect, it } from 'vitest'
import { createMcpAuth } from '../src/create-mcp-auth.js'
import { ConfigurationError } from '../src/errors.js'
import { randomBase64url } from '../src/runtime.js'
import { placeholderReason } from '../src/token-store/placeholder.js'
import { validatorOf } from './resource-server/fakes.js'

const LENGTH = 50_000
/** Generous for a slow machine: a quadratic expression takes more than a second. */
const BOUND_MS = 100

function timeOf(run: () => void): number {
  const start = performance.now()
  run()
  return performance.now() - start
}

describe('P02 a hostile text takes linear time', () => {
  it.each([
    ['marks before a blank', `${'*'.repeat(LENGTH)} x`],
    ['marks before a long end', `${'*'.repeat(LENGTH)}${'x'.repeat(9)}`],
    ['marks behind a long start', `${'x'.repeat(9)}${'*'.repeat(LENGTH)}`],
    ['marks by turns', `${'**x'.repeat(LENGTH / 3)}`],
    ['blanks between letters', `x${' '.repeat(LENGTH)}x`],
    ['an open placeholder', `\${${'{'.repeat(LENGTH)}`],
  ])('P02 placeholderReason() accepts %s', (_name, text) => {
    const took = timeOf(() => expect(placeholderReason(text)).toBeUndefined())
    expect(took).toBeLessThan(BOUND_MS)
  })

  it('P02 placeholderReason() still finds a long mask', () => {
    expect(placeholderReason(`abcd${'*'.repeat(LENGTH)}wxyz`)).toMatch(/masked/)
  })

  it('P02 createMcpAuth() refuses a resource with slashes inside and at its end', () => {
    const resource = `https://mcp.test/${'/'.repeat(LENGTH)}x/`
    const create = () => createMcpAuth({ resource, validators: [validatorOf()] })
    const took = timeOf(() => expect(create).toThrow(ConfigurationError))
    expect(took).toBeLessThan(BOUND_MS)
  })

  it('P02 createMcpAuth() takes a canonical resource with slashes inside', () => {
    const resource = `https://mcp.test/${'/'.repeat(LENGTH)}x`
    const took = timeOf(() => createMcpAuth({ resource, validators: [validatorOf()] }))
    expect(took).toBeLessThan(BOUND_MS)
  })

  it('P02 base64url has neither padding nor the two characters of base64', () => {
    let text = ''
    const took = timeOf(() => {
      text = randomBase64url(LENGTH)
    })
    expect(text).toMatch(/^[\w-]+$/)
    expect(took).toBeLessThan(BOUND_MS)
  })
})
