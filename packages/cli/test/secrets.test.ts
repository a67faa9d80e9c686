import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { isLongForm } from '../../../test/security/support/long-form.js'
import { COMMANDS } from '../src/commands.js'
import { commandLine, everythingWritten, temporaryFolder } from './support/command-line.js'
import {
  copiesOf,
  type Environment,
  infisicalEnvironment,
  someServer,
} from './support/environments.js'

const CANARY = 'canary-of-every-command-6d15'
const ANN = ['--issuer', 'https://login.example.com', '--subject', 'ann']
const OAUTH = JSON.stringify({ kind: 'oauth2', secret: CANARY, refreshToken: `${CANARY}-refresh` })

/** Command lines for each command: one that succeeds, and others that fail late. */
const commandLines: Readonly<Record<string, readonly (readonly string[])[]>> = {
  init: [[CANARY], ['server', '--way-in', CANARY], ['server', '--yes', '--name', `${CANARY}!`]],
  doctor: [
    ['http://127.0.0.1:1/mcp', '--token', '--config'],
    [CANARY, '--token'],
  ],
  'tokens list': [[]],
  'tokens get': [['coda'], ['github', ...ANN], ['absent']],
  'tokens set': [
    ['coda'],
    ['coda', '--yes'],
    ['coda', '--probe', '--keep-old'],
    ['github', '--stdin', 'json', '--yes'],
    ['coda', '--from-previous'],
  ],
  'tokens delete': [['coda'], ['absent', '--yes']],
  migrate: [
    ['--from', 'postgres', '--to', 'infisical', '--owners'],
    ['--from', 'postgres', '--to', 'infisical', '--verify'],
    ['--from', 'postgres', '--to', 'infisical', '--finish'],
    ['--from', 'env', '--to', 'postgres', '--probe'],
  ],
  export: [['--format', 'env', '--output', '/nowhere/at/all']],
  'keys generate': [[]],
  'keys status': [[]],
  'keys rotate': [['--batch-size', '1']],
  'db migrate': [[]],
  'db verify': [[]],
  'db export': [['--output', '/nowhere/at/all']],
  'db import': [['/nowhere/at/all']],
  'store check': [[], ['--store', 'infisical'], ['--store', 'env']],
  audit: [[], ['--all-namespaces']],
  'audit export': [[]],
  'users allow': [['ann@example.com'], ['no address']],
  'users suspend': [['ann@example.com'], ['absent@example.com']],
  'users activate': [['ann@example.com']],
  'users set-role': [
    ['ann@example.com', 'admin'],
    ['ann@example.com', 'root'],
  ],
  'users list': [[]],
  'users erase': [['ann@example.com', '--yes'], ['absent']],
  'users stats': [[]],
  'clients create': [
    ['--name', 'App', '--redirect-uri', 'https://a.example/cb'],
    ['--name', ' '],
  ],
  'clients rotate-secret': [['absent']],
  'clients list': [[]],
  'clients revoke': [['absent', '--yes'], ['absent']],
  'sessions list': [[], ['--user', 'absent']],
  'sessions revoke': [['absent'], ['--user', 'ann@example.com', '--yes'], []],
  'signing-keys status': [[]],
  'signing-keys rotate': [[], ['--compromised', '--yes']],
}

const databaseWithSecrets = copiesOf(someServer, async (env) => {
  await commandLine(['tokens', 'set', 'coda'], { env, input: CANARY })
  await commandLine(['tokens', 'set', 'github', ...ANN, '--stdin', 'json'], { env, input: OAUTH })
})

const commandPaths = Object.keys(commandLines)
const FLAGS = [['--debug'], ['--debug', '--json']]

/** A database with a password in its address, an Infisical and variables, each with canaries. */
async function prepare(): Promise<{ readonly env: Environment; readonly secrets: string[] }> {
  const { env: infisical, fake } = await infisicalEnvironment()
  const postgres = await databaseWithSecrets()
  const address = new URL(postgres.DATABASE_URL ?? '')
  // The server of the tests trusts whoever comes from this machine.
  address.password = `${CANARY}-password`
  const env = {
    ...infisical,
    ...postgres,
    DATABASE_URL: address.href,
    ENVIRONMENT_API_TOKEN: `${CANARY}-variable`,
  }
  const secrets = [CANARY, fake.clientSecret, postgres.MCP_AUTH_ENCRYPTION_KEYS ?? '']
  return { env, secrets }
}

/** The same variables, none of which leads anywhere. */
function broken(env: Environment): Environment {
  const address = new URL(env.DATABASE_URL ?? '')
  address.port = '1'
  return {
    ...env,
    DATABASE_URL: address.href,
    INFISICAL_CLIENT_SECRET: `${CANARY}-wrong`,
  }
}

describe.skipIf(someServer === undefined)('P07 secrets', { timeout: 120_000 }, () => {
  beforeAll(() => {
    everythingWritten.length = 0
  })

  it('has a command line for every command', () => {
    expect(Object.keys(commandLines)).toEqual(COMMANDS.map(({ definition }) => definition.path))
  })

  it.each(Object.entries(commandLines))(
    'of %s are in no output and no error, whatever happens',
    async (path, variants) => {
      const { env, secrets } = await prepare()
      for (const settings of [env, broken(env)]) {
        for (const [index, words] of variants.entries()) {
          // By day each command line writes JSON where nothing works and text where everything does, or
          // the other way round.
          const turn = commandPaths.indexOf(path) + index + (settings === env ? 0 : 1)
          for (const flags of FLAGS.slice(...(isLongForm ? [] : [turn % 2, (turn % 2) + 1]))) {
            const argv = [...path.split(' '), ...words, ...flags]
            const input = words.includes('json') ? OAUTH : `${CANARY}-new`
            const { code } = await commandLine(argv, { env: settings, input })
            expect([argv.join(' '), code]).not.toEqual([argv.join(' '), 70])
          }
        }
      }
      const written = everythingWritten.join('')
      for (const secret of secrets) expect(written).not.toContain(secret)
    },
  )

  it('go into the one file that was asked for', async () => {
    const { env } = await prepare()
    const output = join(temporaryFolder(), 'coda.env')
    const argv = ['export', '--format', 'env', '--output', output, '--provider', 'coda']
    const { code, stdout, stderr } = await commandLine(argv, { env })
    expect(code).toBe(0)
    expect(stdout + stderr).not.toContain(CANARY)
  })
})
