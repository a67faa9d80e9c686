import { describe, expect, it } from 'vitest'
import { createSecretFileReader } from '../src/secret-files.js'

const LENGTH = 50_000

function readerOf(content: string) {
  const read = createSecretFileReader(async () => content)
  return () => read('CODA_API_TOKEN_FILE', '/run/secrets/coda', undefined)
}

describe('createSecretFileReader()', () => {
  it.each([
    ['line ends before a letter', `${'\n'.repeat(LENGTH)}x`],
    ['Windows line ends before a letter', `${'\r\n'.repeat(LENGTH / 2)}x`],
  ])('P02 reads %s in linear time', async (_name, content) => {
    const read = readerOf(content)
    const start = performance.now()
    expect(await read()).toHaveLength(content.length)
    // Generous for a slow machine: a quadratic expression takes more than a second.
    expect(performance.now() - start).toBeLessThan(100)
  })

  it.each([
    ['x\n', 'x'],
    ['x\r\n\n\r\n', 'x'],
    ['x\r\r\n', 'x\r'],
    ['x\r', 'x\r'],
    ['x \n', 'x '],
    ['a\nb\n', 'a\nb'],
    ['\r\n', ''],
    ['', ''],
  ])('reads %j as %j', async (content, secret) => {
    expect(await readerOf(content)()).toBe(secret)
  })

  it('reads a file again after the clock was set back', async () => {
    let now = 1_800_000_000_000
    let content = 'old'
    const read = createSecretFileReader(
      async () => content,
      () => now,
    )
    const ask = () => read('CODA_API_TOKEN_FILE', '/run/secrets/coda', undefined)
    expect(await ask()).toBe('old')
    content = 'new'
    expect(await ask()).toBe('old')
    now -= 3_600_000
    expect(await ask()).toBe('new')
  })
})
