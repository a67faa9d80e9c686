import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const cli = fileURLToPath(new URL('../../cli/dist/main.js', import.meta.url))
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'create-mcp-server-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

async function run(file: string, ...argv: string[]) {
  if (!existsSync(file)) throw new Error('build the packages first: npm run build')
  const child = spawn(process.execPath, [file, ...argv], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      output[name] += chunk
    })
  }
  const [code] = await once(child, 'close')
  return { code, ...output }
}

/** Content of every file below a folder, by path. */
function read(name: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(join(folder, name), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name: file }) => join(parentPath, file))
      .map((path) => [path.slice(join(folder, name).length), readFileSync(path, 'utf8')]),
  )
}

describe('create-mcp-server', () => {
  it('makes what mcp-auth init makes, with the files that npm would leave out', async () => {
    const flags = ['--way-in', 'stytch', '--store', 'postgres', '--name', 'notes']
    const created = await run(program, 'one', ...flags)
    expect([created.code, created.stderr]).toEqual([0, ''])
    expect(created.stdout).toContain('made notes with ')
    expect((await run(cli, 'init', 'two', ...flags)).code).toBe(0)
    const files = read('one')
    expect(files).toEqual(read('two'))
    expect(Object.keys(files)).toEqual(
      expect.arrayContaining(['/.gitignore', '/.env.example', '/.github/workflows/ci.yml']),
    )
  })

  it('asks nobody where there is no terminal, and ends with the code of the command', async () => {
    const { code, stdout, stderr } = await run(program, 'one', '--store', 'env')
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain('--way-in <')
    expect(readdirSync(folder)).toEqual([])
  })

  it('shows how it is used', async () => {
    const { code, stdout } = await run(program, '--help')
    expect(code).toBe(0)
    expect(stdout).toContain('Usage: mcp-auth init [options] [folder]')
  })
})
