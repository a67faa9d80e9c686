import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { commandLine, temporaryFolder } from './support/command-line.js'
import { createKeys } from './support/environments.js'

const CANARY = 'canary-on-the-command-line-5f2a'

describe('run()', () => {
  it('prints the version of the package', async () => {
    const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
    const { code, stdout } = await commandLine(['--version'])
    expect([code, stdout.trim()]).toEqual([0, manifest.version])
  })

  it('prints the help on stdout when it is asked for, and on stderr when a command is missing', async () => {
    const asked = await commandLine(['tokens', '--help'])
    expect(asked.code).toBe(0)
    expect(asked.stdout).toContain('Usage: mcp-auth tokens')
    const missing = await commandLine(['tokens'])
    expect(missing.code).toBe(2)
    expect(missing.stdout).toBe('')
    expect(missing.stderr).toContain('Usage: mcp-auth tokens')
    expect((await commandLine([])).code).toBe(2)
  })

  it.each([
    ['an unknown command', [CANARY]],
    ['an unknown subcommand', ['tokens', CANARY]],
    ['an unknown option', ['tokens', 'list', `--${CANARY}`]],
    ['an unknown option with a value', ['tokens', 'list', `--password=${CANARY}`]],
    ['a value after an option without one', ['tokens', 'list', '--quiet', CANARY]],
    ['an unknown choice', ['migrate', '--from', CANARY, '--to', 'postgres']],
    ['an unknown store', ['tokens', 'list', '--store', CANARY]],
    ['a malformed number', ['audit', '--limit', CANARY]],
    ['a number that is too large', ['audit', '--limit', '10001']],
    ['a batch that is too large', ['keys', 'rotate', '--batch-size', '10001']],
    ['a batch of none', ['keys', 'rotate', '--batch-size', '0']],
    ['a malformed time', ['audit', '--since', CANARY]],
    ['a missing argument', ['tokens', 'get', '--namespace', CANARY]],
    ['two owners', ['tokens', 'get', 'coda', '--service', '--issuer', CANARY, '--subject', 'a']],
    ['half an owner', ['tokens', 'get', 'coda', '--subject', CANARY]],
    ['an option before the subcommand', ['audit', '--provider', CANARY, 'export']],
  ])('P07 refuses %s without repeating it', async (_what, argv) => {
    const { code, stdout, stderr } = await commandLine(argv)
    expect(code).toBe(argv.includes('--store') ? 3 : 2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^error: /)
    expect(stderr).not.toContain(CANARY)
    expect(stderr).not.toContain('    at ')
  })

  it.each([
    ['an unknown command', ['tokenz'], 'mcp-auth --help'],
    ['an unknown subcommand', ['tokens', 'got'], 'mcp-auth tokens --help'],
    ['an unknown option', ['tokens', 'list', '--al'], 'mcp-auth tokens list --help'],
    ['an unknown option of a command of one word', ['audit', '--al'], 'mcp-auth audit --help'],
    ['an option of a group', ['keys', '--al'], 'mcp-auth keys --help'],
  ])('ends with 2 for %s and says where to read on', async (_what, argv, help) => {
    const { code, stderr } = await commandLine(argv)
    expect([code, stderr.split('\n')[1]]).toEqual([2, `Run "${help}" to see how it is used.`])
    const asJson = await commandLine([...argv, '--json'])
    expect([asJson.code, asJson.stdout]).toEqual([2, ''])
    expect(JSON.parse(asJson.stderr)).toEqual({
      error: 'usage',
      message: expect.stringMatching(/^unknown (?:command|option)/),
      hint: `Run "${help}" to see how it is used.`,
    })
  })

  it('suggests what was probably meant', async () => {
    expect((await commandLine(['token', 'list'])).stderr).toContain('did you mean tokens?')
    expect((await commandLine(['tokens', 'list', '--jsn'])).stderr).toContain(
      'did you mean --json?',
    )
  })

  it('writes an error as JSON when JSON was asked for', async () => {
    const { code, stderr } = await commandLine(['tokens', 'get', 'coda', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stderr)).toEqual({
      error: 'refused',
      message: 'no credential is stored for coda (service)',
    })
  })

  it('writes the code of the library and the causes as JSON too', async () => {
    const env = {
      TOKEN_STORE: 'postgres',
      DATABASE_URL: `postgresql://user:${CANARY}@127.0.0.1:1/db`,
      MCP_AUTH_ENCRYPTION_KEYS: createKeys(),
    }
    const { code, stderr } = await commandLine(['tokens', 'list', '--json', '--debug'], { env })
    expect(code).toBe(4)
    expect(JSON.parse(stderr)).toEqual({
      error: 'unavailable',
      code: 'ERR_STORE_UNAVAILABLE',
      message: expect.any(String),
      causes: expect.arrayContaining([expect.stringMatching(/^error: /)]),
    })
    expect(stderr).not.toContain(CANARY)
  })

  it('P07 names an unexpected error without its message, and its frames only with --debug', async () => {
    const now = () => {
      throw new RangeError(CANARY)
    }
    const env = { CODA_API_TOKEN: 'canary-token' }
    const plain = await commandLine(['tokens', 'get', 'coda'], { env, now })
    expect(plain.code).toBe(70)
    expect(plain.stderr).toBe(
      'error: unexpected RangeError; run again with --debug and report what it prints\n',
    )
    const debugged = await commandLine(['tokens', 'get', 'coda', '--debug'], { env, now })
    expect(debugged.stderr).toMatch(/^error: RangeError\n {4}at /m)
    expect(debugged.stderr).not.toContain('canary')
  })

  it.each([
    ['neither', {}, [], false],
    ['FORCE_COLOR', { FORCE_COLOR: '1' }, [], true],
    ['FORCE_COLOR and NO_COLOR', { FORCE_COLOR: '1', NO_COLOR: '1' }, [], false],
    ['FORCE_COLOR and an empty NO_COLOR', { FORCE_COLOR: '1', NO_COLOR: '' }, [], true],
    ['FORCE_COLOR and --no-color', { FORCE_COLOR: '1' }, ['--no-color'], false],
    ['FORCE_COLOR=0', { FORCE_COLOR: '0' }, [], false],
  ])('with %s: decides on colours', async (_what, env, flags, colored) => {
    const { stderr } = await commandLine(['tokens', 'get', 'coda', ...flags], { env })
    expect(stderr.includes('\u001b[31m')).toBe(colored)
  })
})

describe('a command that looks something up', () => {
  it.each([
    ['users', 'list'],
    ['clients', 'list'],
    ['audit'],
    ['tokens', 'list', '--store', 'postgres'],
    ['db', 'verify'],
    ['db', 'export', '--output', '-'],
    ['keys', 'status'],
  ])('leaves nothing behind where no database is: %s %s', async (...argv) => {
    const dataDir = join(temporaryFolder(), 'none')
    const { code, stderr } = await commandLine([...argv, '--data-dir', dataDir])
    expect([code, stderr]).toEqual([3, expect.stringContaining(`no database in "${dataDir}"`)])
    expect(existsSync(dataDir)).toBe(false)
  })
})
