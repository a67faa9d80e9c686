import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { placeFiles } from '../../src/init/place-files.js'
import { temporaryFolder } from '../support/command-line.js'

const link = vi.hoisted(() => vi.fn<(from: string, to: string) => Promise<void>>())
vi.mock('node:fs/promises', async (original) => ({ ...(await original<object>()), link }))

const files = new Map([
  ['.gitignore', 'dist/\n'],
  ['src/main.ts', 'main\n'],
])
const { signal } = new AbortController()

function refuse(code: string): void {
  link.mockRejectedValue(Object.assign(new Error(code), { code }))
}

beforeEach(() => {
  link.mockReset()
})

describe('placeFiles(), where there are no hard links', () => {
  it.each(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'])(
    'copies the files into a folder that is there, after %s',
    async (code) => {
      refuse(code)
      const folder = temporaryFolder()
      await placeFiles(folder, files, { signal })
      expect(readdirSync(folder, { recursive: true }).map(String).sort()).toEqual([
        '.gitignore',
        'src',
        'src/main.ts',
      ])
      expect(readFileSync(join(folder, 'src/main.ts'), 'utf8')).toBe('main\n')
      expect(link).toHaveBeenCalledTimes(files.size)
    },
  )

  it('replaces no file that another program has made meanwhile', async () => {
    refuse('EPERM')
    const folder = temporaryFolder()
    const onWritten = () => writeFileSync(join(folder, '.gitignore'), 'theirs')
    await expect(placeFiles(folder, files, { signal, onWritten })).rejects.toThrow(
      'was changed meanwhile; nothing was written',
    )
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe('theirs')
    expect(readdirSync(folder)).toEqual(['.gitignore'])
  })

  it.each(['EACCES', 'ENOSPC', 'EROFS'])('says so after %s, and copies nothing', async (code) => {
    refuse(code)
    const folder = temporaryFolder()
    await expect(placeFiles(folder, files, { signal })).rejects.toThrow(
      `cannot be written (${code})`,
    )
    expect(readdirSync(folder)).toEqual([])
  })
})
