import { describe, expect, it } from 'vitest'
import { createVersion, createVersionGenerator } from '../../src/token-store/version.js'

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('createVersionGenerator()', () => {
  // RFC 9562 section 5.7: 48 bits of milliseconds, version 7, variant 10.
  it('makes UUIDv7 texts that begin with the time', () => {
    const version = createVersionGenerator(() => 0x0123_4567_89ab)()
    expect(version).toMatch(UUID_V7)
    expect(version.slice(0, 13)).toBe('01234567-89ab')
  })

  it('increases within one millisecond, past the counter, and when the clock steps back', () => {
    let time = 1_700_000_000_000
    const next = createVersionGenerator(() => time)
    const versions = Array.from({ length: 10_000 }, next)
    time -= 60_000
    versions.push(next())
    expect(versions.every((version) => UUID_V7.test(version))).toBe(true)
    expect([...versions].sort()).toEqual(versions)
    expect(new Set(versions).size).toBe(versions.length)
  })
})

describe('createVersion()', () => {
  it('never repeats', () => {
    expect(new Set(Array.from({ length: 1000 }, createVersion)).size).toBe(1000)
  })
})
