import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { placeFiles } from '../../src/init/place-files.js'
import { commandLine, temporaryFolder } from '../support/command-line.js'

const files = new Map([
  ['.gitignore', 'dist/\n'],
  ['src/main.ts', 'main\n'],
  ['src/tools/whoami.ts', 'whoami\n'],
])
const paths = [...files.keys()]

function everythingIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true }).map(String).sort()
}

describe('placeFiles()', () => {
  it.each(paths)(
    'leaves nothing of a new folder when it ends after %s was written',
    async (last) => {
      const parent = temporaryFolder()
      const controller = new AbortController()
      const onWritten = (path: string) => {
        expect(everythingIn(parent)).not.toContain('new/server')
        if (path === last) controller.abort()
      }
      const { signal } = controller
      await expect(
        placeFiles(join(parent, 'new/server'), files, { signal, onWritten }),
      ).rejects.toThrow('aborted')
      expect(everythingIn(parent)).toEqual([])
    },
  )

  it.each(paths)('takes back what it put into a folder when it ends after %s', async (last) => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'src'))
    writeFileSync(join(folder, 'src/own.ts'), 'mine')
    const before = everythingIn(folder)
    const controller = new AbortController()
    const onPlaced = (path: string) => {
      if (path === last) controller.abort()
    }
    const { signal } = controller
    await expect(placeFiles(folder, files, { signal, onPlaced })).rejects.toThrow('aborted')
    expect(everythingIn(folder)).toEqual(before)
  })

  it('takes back what it put there when another program was faster with one file', async () => {
    const folder = temporaryFolder()
    const { signal } = new AbortController()
    const onPlaced = (path: string) => {
      if (path !== 'src/main.ts') return
      mkdirSync(join(folder, 'src/tools'), { recursive: true })
      writeFileSync(join(folder, 'src/tools/whoami.ts'), 'theirs')
    }
    await expect(placeFiles(folder, files, { signal, onPlaced })).rejects.toThrow(
      'was changed meanwhile; nothing was written',
    )
    expect(readFileSync(join(folder, 'src/tools/whoami.ts'), 'utf8')).toBe('theirs')
    expect(everythingIn(folder)).toEqual(['src', 'src/tools', 'src/tools/whoami.ts'])
  })

  it('replaces no new folder that another program has made meanwhile', async () => {
    const parent = temporaryFolder()
    const { signal } = new AbortController()
    const onWritten = () => {
      mkdirSync(join(parent, 'server'), { recursive: true })
      writeFileSync(join(parent, 'server/own.ts'), 'theirs')
    }
    await expect(placeFiles(join(parent, 'server'), files, { signal, onWritten })).rejects.toThrow(
      'was changed meanwhile',
    )
    expect(everythingIn(parent)).toEqual(['server', 'server/own.ts'])
  })

  it('says why a folder cannot be written', async () => {
    const folder = join(temporaryFolder(), 'n'.repeat(300))
    const { signal } = new AbortController()
    await expect(placeFiles(folder, files, { signal })).rejects.toThrow(
      'cannot be written (ENAMETOOLONG)',
    )
  })
})

describe('mcp-auth init', () => {
  it('ends with 130 and leaves nothing when it is interrupted', async () => {
    const parent = temporaryFolder()
    const controller = new AbortController()
    controller.abort()
    const folder = join(parent, 'server')
    const { code } = await commandLine(['init', folder, '--yes'], { signal: controller.signal })
    expect(code).toBe(130)
    expect(everythingIn(parent)).toEqual([])
  })
})
