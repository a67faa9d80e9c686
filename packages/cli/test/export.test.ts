import { execFileSync } from 'node:child_process'
import {
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatEnvLine, parseEnvFile } from '../src/commands/export/env-file.js'
import { commandLine, temporaryFolder } from './support/command-line.js'
import { type Environment, infisicalEnvironment } from './support/environments.js'

const CANARY = 'canary-exported-5b02'

const VALUES: readonly (readonly [name: string, value: string])[] = [
  ['letters and digits', 'abc123'],
  ['a base64 value', 'ab+/cd=='],
  ['a space', 'a b'],
  ['a hash', 'a #b'],
  ['a dollar', 'a$HOME'],
  ['a placeholder inside', `a\${HOME}b`],
  ['a backslash', 'a\\nb'],
  ['double quotes', 'a"b'],
  ['single quotes', "a'b"],
  ['a back-tick', 'a`b'],
  ['white space around', '  a  '],
  ['an emoji', '🔑'],
]

describe('formatEnvLine()', () => {
  it.each(VALUES)('writes %s so that both dialects read it back', (_name, value) => {
    for (const dialect of ['dotenv', 'docker'] as const) {
      const line = formatEnvLine('CODA_API_TOKEN', value, dialect)
      expect(parseEnvFile(line ?? '', dialect)).toEqual({ CODA_API_TOKEN: value })
    }
  })

  it('writes a line end for dotenv and refuses it for docker', () => {
    expect(formatEnvLine('A', 'a\nb', 'dotenv')).toBe("A='a\nb'\n")
    expect(formatEnvLine('A', 'a\nb', 'docker')).toBeUndefined()
  })

  it.each([
    ['both quotes', `a'b"c`],
    ['a single quote and a dollar', "a'$b"],
    ['a carriage return', 'a\rb'],
  ])('refuses %s for dotenv', (_name, value) => {
    expect(formatEnvLine('A', value, 'dotenv')).toBeUndefined()
  })

  it.each(VALUES)('writes %s so that node --env-file reads it', (_name, value) => {
    const file = join(temporaryFolder(), 'env')
    writeFileSync(file, formatEnvLine('VALUE_UNDER_TEST', value, 'dotenv') ?? '')
    const script = 'process.stdout.write(process.env.VALUE_UNDER_TEST)'
    const read = execFileSync(process.execPath, [`--env-file=${file}`, '-e', script])
    expect(read.toString()).toBe(value)
  })
})

async function storeWith(values: Readonly<Record<string, string>>): Promise<Environment> {
  const { env } = await infisicalEnvironment()
  for (const [provider, input] of Object.entries(values)) {
    expect((await commandLine(['tokens', 'set', provider], { env, input })).code).toBe(0)
  }
  return env
}

describe('export --format env', { timeout: 60_000 }, () => {
  it('writes a file for its owner only and compares every credential', async () => {
    const env = await storeWith({ coda: `${CANARY} #1`, 'my-api': CANARY })
    const folder = temporaryFolder()
    const output = join(folder, 'out.env')
    const result = await commandLine(['export', '--format', 'env', '--output', output], { env })
    expect(result.code).toBe(0)
    expect(result.stdout).toContain('wrote 2 credentials')
    expect(result.stdout + result.stderr).not.toContain(CANARY)
    expect(statSync(output).mode & 0o777).toBe(0o600)
    expect(readFileSync(output, 'utf8')).toBe(
      `CODA_API_TOKEN='${CANARY} #1'\nMY_API_API_TOKEN=${CANARY}\n`,
    )
    expect(readdirSync(folder)).toEqual(['out.env'])
  })

  it('refuses a file that is there, and replaces it with --force without following a link', async () => {
    const env = await storeWith({ coda: CANARY })
    const folder = temporaryFolder()
    const [output, elsewhere] = [join(folder, 'out.env'), join(folder, 'elsewhere')]
    writeFileSync(elsewhere, 'precious')
    symlinkSync(elsewhere, output)
    const argv = ['export', '--format', 'env', '--output', output]
    const refused = await commandLine(argv, { env })
    expect([refused.code, readFileSync(elsewhere, 'utf8')]).toEqual([1, 'precious'])
    expect((await commandLine([...argv, '--force'], { env })).code).toBe(0)
    expect(readFileSync(elsewhere, 'utf8')).toBe('precious')
    expect(readFileSync(output, 'utf8')).toContain(CANARY)
  })

  it('lists everything that a variable cannot hold, and writes nothing', async () => {
    const env = await storeWith({ coda: `'"${CANARY}` })
    const oauth = JSON.stringify({ kind: 'oauth2', secret: CANARY, refreshToken: `${CANARY}-r` })
    const set = ['tokens', 'set', 'github', '--stdin', 'json']
    await commandLine(set, { env, input: oauth })
    await commandLine(['tokens', 'set', 'My_API'], { env, input: CANARY })
    const output = join(temporaryFolder(), 'out.env')
    const argv = ['export', '--format', 'env', '--output', output]
    const { code, stderr } = await commandLine(argv, { env })
    expect(code).toBe(1)
    expect(stderr).toContain('coda (service): its characters')
    expect(stderr).toContain('github (service): a variable holds no refresh token')
    expect(stderr).toContain('My_API (service): no variable name')
    expect(stderr).not.toContain(CANARY)
    expect(existsSync(output)).toBe(false)

    const names = join(temporaryFolder(), 'names.json')
    writeFileSync(names, JSON.stringify({ providers: { My_API: 'MY_API_KEY' } }))
    const flags = ['--dialect', 'docker', '--secrets-only', '--env-names', names]
    expect((await commandLine([...argv, ...flags], { env })).code).toBe(0)
    expect(readFileSync(output, 'utf8')).toBe(
      `CODA_API_TOKEN='"${CANARY}\nGITHUB_API_TOKEN=${CANARY}\nMY_API_KEY=${CANARY}\n`,
    )
  })

  it('refuses what the env store would refuse to read', async () => {
    const { fake, env } = await infisicalEnvironment()
    // Stored by a person: no store refuses it, and no server would start with it.
    fake.edit('/mcp-auth/default', 'CODA_API_TOKEN', '****')
    const output = join(temporaryFolder(), 'out.env')
    const argv = ['export', '--format', 'env', '--output', output]
    const { code } = await commandLine(argv, { env })
    expect(code).not.toBe(0)
    expect(existsSync(output)).toBe(false)
  })

  it('says that the folder is not there', async () => {
    const env = await storeWith({ coda: CANARY })
    const output = join(temporaryFolder(), 'no', 'such', 'folder')
    const { code, stderr } = await commandLine(['export', '--format', 'env', '--output', output], {
      env,
    })
    expect(code).toBe(3)
    expect(stderr).toContain('cannot be written (ENOENT)')
  })
})
