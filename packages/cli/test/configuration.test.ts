import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { VARIABLES } from '../src/configuration/variables.js'
import { commandLine, temporaryFolder } from './support/command-line.js'

const CANARY = 'canary-setting-93b1'

function fileWith(content: string | Uint8Array): string {
  const path = join(temporaryFolder(), 'content')
  writeFileSync(path, content)
  return path
}

describe('settings', () => {
  it('X33 lists everything that is missing or malformed in one error, without any value', async () => {
    const { code, stderr } = await commandLine(['tokens', 'list', '--namespace', '-bad'], {
      env: {
        TOKEN_STORE: 'postgres',
        DATABASE_URL: `mysql://${CANARY}@db`,
        MCP_AUTH_ENCRYPTION_KEYS: `${CANARY},${'ab'.repeat(32)}`,
        MCP_AUTH_SCHEMA: `pg_${CANARY}`,
      },
    })
    expect(code).toBe(3)
    expect(stderr).not.toContain(CANARY)
    const lines = stderr.split('\n').map((line) => line.trim().split(':')[0])
    expect(lines).toEqual(
      expect.arrayContaining([
        '--namespace',
        'MCP_AUTH_SCHEMA',
        'DATABASE_URL',
        'MCP_AUTH_ENCRYPTION_KEYS',
      ]),
    )
    expect(stderr).toContain('first key is not 32 bytes')
    expect(stderr).toContain('second key is written in hex')
  })

  it('lists what both stores of a migration lack', async () => {
    const { code, stderr } = await commandLine(
      ['migrate', '--from', 'postgres', '--to', 'infisical'],
      {
        env: { DATABASE_URL: 'postgresql://127.0.0.1:1/x' },
      },
    )
    expect(code).toBe(3)
    for (const name of [
      'MCP_AUTH_ENCRYPTION_KEYS',
      'INFISICAL_CLIENT_ID',
      'INFISICAL_CLIENT_SECRET',
      'INFISICAL_PROJECT_ID',
    ]) {
      expect(stderr).toContain(`  ${name}: is missing`)
    }
  })

  it.each([
    [
      'an unknown store',
      { TOKEN_STORE: CANARY },
      'TOKEN_STORE: must be env, postgres or infisical',
    ],
    ['an empty variable', { TOKEN_STORE: '' }, 'TOKEN_STORE: is empty'],
    ['a placeholder', { TOKEN_STORE: `\${CANARY}` }, 'TOKEN_STORE: is an unresolved placeholder'],
    [
      'a variable beside its file',
      { TOKEN_STORE: 'env', TOKEN_STORE_FILE: '/nowhere' },
      'TOKEN_STORE: is set beside TOKEN_STORE_FILE',
    ],
    [
      'a file that is not there',
      { TOKEN_STORE_FILE: '/nowhere/at/all' },
      'TOKEN_STORE_FILE: names a file that cannot be read (ENOENT)',
    ],
    [
      'plain http',
      {
        TOKEN_STORE: 'infisical',
        INFISICAL_SITE_URL: 'http://infisical.example.com',
        INFISICAL_CLIENT_ID: 'id',
        INFISICAL_CLIENT_SECRET: CANARY,
        INFISICAL_PROJECT_ID: 'project',
      },
      'INFISICAL_SITE_URL: must be an https URL',
    ],
  ])('refuses %s', async (_what, env, message) => {
    const { code, stderr } = await commandLine(['store', 'check'], { env })
    expect(code).toBe(3)
    expect(stderr).toContain(message)
    expect(stderr).not.toMatch(new RegExp(CANARY, 'i'))
  })

  it('reads a setting from the file that its _FILE variable names, without its line end', async () => {
    const env = { TOKEN_STORE_FILE: fileWith('env\n') }
    const { code, stdout } = await commandLine(['store', 'check'], { env })
    expect([code, stdout.split('\n')[0]]).toEqual([
      0,
      'the env store can be used, namespace default',
    ])
  })

  it('refuses a file that holds nothing', async () => {
    const env = { TOKEN_STORE_FILE: fileWith('\n') }
    const { code, stderr } = await commandLine(['store', 'check'], { env })
    expect(code).toBe(3)
    expect(stderr).toContain('TOKEN_STORE_FILE: names a file whose content is empty')
  })

  it('takes variables from --env-file, where those that are set win', async () => {
    const path = fileWith(`CODA_API_TOKEN='${CANARY}'\nMCP_AUTH_NAMESPACE=of-file\n`)
    const argv = ['tokens', 'list', '--env-file', path, '--json']
    const read = await commandLine(argv)
    expect(read.json()).toMatchObject({ namespace: 'of-file', credentials: [{ provider: 'coda' }] })
    const set = await commandLine(argv, { env: { MCP_AUTH_NAMESPACE: 'of-process' } })
    expect(set.json()).toMatchObject({ namespace: 'of-process' })
    const flag = await commandLine([...argv, '--namespace', 'of-flag'])
    expect(flag.json()).toMatchObject({ namespace: 'of-flag' })
  })

  it('refuses an --env-file that cannot be read', async () => {
    const { code, stderr } = await commandLine(['store', 'check', '--env-file', '/nowhere/at/all'])
    expect([code, stderr]).toEqual([
      3,
      'error: --env-file names a file that cannot be read (ENOENT)\n',
    ])
  })

  it('names the users of the env store by --env-names', async () => {
    const user = { provider: 'coda', issuer: 'https://login.example.com', subject: 'ann' }
    const env = { ANN_CODA: CANARY, GITHUB_PAT: CANARY }
    const path = fileWith(
      JSON.stringify({
        providers: { github: 'GITHUB_PAT' },
        users: [{ ...user, variable: 'ANN_CODA' }],
      }),
    )
    const { stdout } = await commandLine(['tokens', 'list', '--env-names', path], { env })
    expect(stdout).toContain('"ann" at "https://login.example.com"')
    expect(stdout).toContain('github')
  })

  it.each([
    ['no JSON', CANARY, 'is not JSON'],
    ['another member', `{"user":"${CANARY}"}`, 'must hold'],
    [
      'a malformed variable',
      `{"providers":{"github":"${CANARY}"}}`,
      'must be the name of a variable',
    ],
  ])('refuses --env-names with %s', async (_what, content, message) => {
    const argv = ['tokens', 'list', '--env-names', fileWith(content)]
    const { code, stderr } = await commandLine(argv)
    expect(code).toBe(3)
    expect(stderr).toContain(message)
    expect(stderr).not.toContain(CANARY)
  })

  it('describes every variable that it reads', () => {
    for (const { purpose } of Object.values(VARIABLES)) expect(purpose).toMatch(/\.$/)
  })
})

describe('store check', () => {
  it('tells an outage by its exit code', async () => {
    const env = {
      TOKEN_STORE: 'postgres',
      DATABASE_URL: `postgresql://user:${CANARY}@127.0.0.1:1/db`,
      MCP_AUTH_ENCRYPTION_KEYS: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString(
        'base64',
      ),
    }
    const { code, stderr } = await commandLine(['store', 'check', '--debug'], { env })
    expect(code).toBe(4)
    expect(stderr).toContain('ERR_STORE_UNAVAILABLE')
    expect(stderr).not.toContain(CANARY)
  })
})
