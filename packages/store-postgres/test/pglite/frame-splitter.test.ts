import { describe, expect, it } from 'vitest'
import { createFrameSplitter } from '../../src/pglite/frame-splitter.js'

describe('createFrameSplitter()', () => {
  it('finds the same frames wherever the bytes were cut', () => {
    const bytes = Buffer.from('one\n\nthrée\u2028\n')
    for (let size = 1; size <= bytes.length; size += 1) {
      const splitter = createFrameSplitter()
      const frames: string[] = []
      for (let start = 0; start < bytes.length; start += size) {
        frames.push(...splitter.push(bytes.subarray(start, start + size)))
      }
      expect(frames).toEqual(['one', '', 'thrée\u2028'])
      expect(splitter.pendingBytes).toBe(0)
    }
  })

  it('accepts a frame of the most bytes and refuses one byte more, also before its end is seen', () => {
    expect([...createFrameSplitter(4).push(Buffer.from('1234\n'))]).toEqual(['1234'])
    expect(() => [...createFrameSplitter(4).push(Buffer.from('12345\n'))]).toThrow(RangeError)
    const splitter = createFrameSplitter(4)
    expect([...splitter.push(Buffer.from('1234'))]).toEqual([])
    expect(() => [...splitter.push(Buffer.from('5'))]).toThrow(RangeError)
  })

  it('refuses bytes that are not UTF-8', () => {
    expect(() => [...createFrameSplitter().push(Buffer.from([0xff, 0x0a]))]).toThrow(TypeError)
  })
})
