import { describe, expect, it } from 'vitest'
import { parseCommandLine, usage } from '../src/command-line.js'
import { readStdioConfig } from '../src/config/stdio.js'

describe('parseCommandLine()', () => {
  it.each([
    [[], 'serve'],
    [['--stdio'], 'stdio'],
    [['--help'], 'help'],
    [['-h'], 'help'],
    [['--version'], 'version'],
    [['-v'], 'version'],
  ])('takes %j', (argv, kind) => {
    expect(parseCommandLine(argv)).toEqual({ kind })
  })

  it.each([
    [['--stdo'], 'coda-mcp: does not know the option --stdo'],
    [['--port=1234'], 'coda-mcp: does not know the option --port'],
    [['stdio'], 'coda-mcp: takes no such argument'],
    [[''], 'coda-mcp: takes no such argument'],
    [['__proto__'], 'coda-mcp: takes no such argument'],
    [['--stdio', '--help'], 'coda-mcp: takes one option at a time'],
    [['--stdio', 'x'], 'coda-mcp: takes one option at a time'],
  ])('refuses %j in words, with the usage', (argv, message) => {
    const command = parseCommandLine(argv)
    expect(command).toMatchObject({ kind: 'refused', message: expect.stringContaining(message) })
    expect(command).toMatchObject({ message: expect.stringContaining(usage) })
  })

  it('repeats nothing that could be a secret', () => {
    expect(JSON.stringify(parseCommandLine(['canary-token']))).not.toContain('canary')
    expect(JSON.stringify(parseCommandLine(['--token=canary-token']))).not.toContain('canary')
  })
})

describe('readStdioConfig()', () => {
  const CODA_API_TOKEN = 'canary-coda'

  function problemsOf(env: Record<string, string>): string {
    try {
      readStdioConfig(env)
      return ''
    } catch (error) {
      return String(error)
    }
  }

  it('needs the token alone, and leaves out what is about addresses and ways in', () => {
    const env = { CODA_API_TOKEN, HOST: '0.0.0.0', PORT: '80', OIDC_ISSUER: 'https://a.example' }
    expect(readStdioConfig(env)).toEqual({
      logLevel: 'info',
      readOnly: false,
      codaBaseUrl: 'https://coda.io/apis/v1',
    })
  })

  it('names everything that is wrong at once, without values', () => {
    const problems = problemsOf({
      READ_ONLY: 'canary',
      CODA_API_TOKN: 'canary',
      CODA_API_TOKEN_FILE: '/nonexistent/canary',
    })
    expect(problems).toContain('READ_ONLY must be true or false')
    expect(problems).toContain('did you mean CODA_API_TOKEN?')
    expect(problems).toContain('CODA_API_TOKEN_FILE names a file that cannot be read')
    expect(problems).not.toContain('canary')
  })

  it.each([
    [{}, 'CODA_API_TOKEN is missing'],
    [{ CODA_API_TOKEN, TOKEN_STORE: 'postgres' }, 'TOKEN_STORE must be env with --stdio'],
    [{ CODA_API_TOKEN, CODA_CREDENTIALS: 'user' }, 'CODA_CREDENTIALS must be service with --stdio'],
  ])('refuses %j', (env, message) => {
    expect(problemsOf(env)).toContain(message)
    expect(problemsOf({ CODA_API_TOKEN })).toBe('')
  })
})
