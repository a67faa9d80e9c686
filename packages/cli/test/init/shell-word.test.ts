import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { shellWord } from '../../src/init/shell-word.js'
import { commandLine, temporaryFolder } from '../support/command-line.js'

/** What a shell makes of a word. */
function readByShell(shell: string, word: string): string {
  const { stdout } = spawnSync(shell, ['-c', `printf %s ${word}`], { encoding: 'utf8' })
  return stdout
}

describe('shellWord()', () => {
  it.each(['notes', '../notes', '/srv/my-notes_2.0/@acme'])('leaves %s as it is', (path) => {
    expect(shellWord(path)).toBe(path)
  })

  it.each([
    'my notes',
    '$(touch pwned)x',
    '`touch pwned`',
    '~root',
    "it's",
    "'; touch pwned; '",
    'a\\b',
    '"$HOME"',
    'a*b?[c]',
    'a;b|c&d>e<f#g!h',
    'café',
  ])('writes %s so that a shell reads the same', (path) => {
    expect(shellWord(path)).not.toBe(path)
    for (const shell of ['sh', 'bash']) expect(readByShell(shell, shellWord(path))).toBe(path)
  })

  it('lets nothing read a path as a flag', () => {
    expect(shellWord('-P')).toBe('./-P')
  })

  it.each(['a\nb', '\u001b]0;title\u0007', "tab\t'$(touch pwned)'\\", 'c1\u009bx'])(
    'hands no control character of %j to the terminal',
    (path) => {
      expect(shellWord(path)).not.toMatch(/\p{Cc}/u)
      expect(readByShell('bash', shellWord(path))).toBe(path)
    },
  )
})

describe('mcp-auth init', () => {
  it('prints a line that can be pasted, whatever the folder is called', async () => {
    const folder = `${temporaryFolder()}/$(touch pwn)x`
    const { code, stdout } = await commandLine(['init', folder, '--yes', '--name', 'notes'])
    expect(code).toBe(0)
    expect(stdout).toContain(`  cd '${folder}'\n`)
  })
})
