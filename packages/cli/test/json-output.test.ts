import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { COMMANDS } from '../src/commands.js'
import { redirect } from './doctor/broken-servers/exchange.js'
import { startSite } from './doctor/broken-servers/site.js'
import { startAuthorizationServer } from './support/authorization-server.js'
import { type CommandLineResult, commandLine, temporaryFolder } from './support/command-line.js'
import {
  copiesOf,
  createKeys,
  type Environment,
  infisicalEnvironment,
  someServer,
} from './support/environments.js'
import { documentedCommands } from './support/reference-page.js'

const ANN = ['--issuer', 'https://login.example.com', '--subject', 'ann']
const OAUTH = JSON.stringify({
  kind: 'oauth2',
  secret: 'canary-access-51',
  refreshToken: 'canary-refresh-52',
  expiresAt: 4_000_000_000,
  scopes: ['repo'],
  metadata: { account: 'ann' },
})

const filledDatabase = copiesOf(someServer, async (env) => {
  await succeed(env, ['tokens', 'set', 'coda'], 'canary-service-50')
  await succeed(env, ['tokens', 'set', 'github', ...ANN, '--stdin', 'json'], OAUTH)
})

/** A database with the credential of the service and that of one user, and an Infisical beside it. */
async function prepare(): Promise<Environment> {
  const { env: infisical } = await infisicalEnvironment()
  return { ...infisical, ...(await filledDatabase()) }
}

async function succeed(
  env: Environment,
  argv: readonly string[],
  input = '',
): Promise<CommandLineResult> {
  const result = await commandLine([...argv, '--json'], { env, input })
  expect([result.code, result.stderr]).toEqual([0, expect.not.stringContaining('"error"')])
  return result
}

const ANN_MAIL = 'ann@example.com'
const createClient = [
  ...['clients', 'create', '--name', 'Reports', '--auth-method', 'client_secret_basic'],
  ...['--redirect-uri', 'https://reports.example.com/callback'],
]

/** A command line after somebody has connected an app. */
function withUsers(argv: readonly string[]) {
  return async (env: Environment): Promise<CommandLineResult> => {
    const server = await startAuthorizationServer(env)
    await server.connect()
    return succeed(env, argv)
  }
}

/** How the documented output of each command comes about. */
const samples: Readonly<Record<string, (env: Environment) => Promise<CommandLineResult>>> = {
  init: () => succeed({}, ['init', join(temporaryFolder(), 'server'), '--yes']),
  doctor: async () => {
    const { urls, fetch, close } = await startSite({
      proxy: (answer, { path }) =>
        path === '/.well-known/oauth-authorization-server' && answer.status === 200
          ? redirect('/.well-known/openid-configuration')
          : answer,
    })
    onTestFinished(close)
    return commandLine(['doctor', urls.resource, '--json'], { fetch })
  },
  'tokens list': (env) => succeed(env, ['tokens', 'list']),
  'tokens get': (env) => succeed(env, ['tokens', 'get', 'github', ...ANN]),
  'tokens set': (env) => succeed(env, ['tokens', 'set', 'coda', '--keep-old'], 'canary-new-53'),
  'tokens delete': (env) => succeed(env, ['tokens', 'delete', 'coda', '--yes']),
  migrate: (env) =>
    succeed(env, ['migrate', '--from', 'postgres', '--to', 'infisical', '--owners']),
  export: (env) => {
    const output = join(temporaryFolder(), 'coda.env')
    return succeed(env, ['export', '--format', 'env', '--output', output, '--provider', 'coda'])
  },
  'keys generate': (env) => succeed(env, ['keys', 'generate']),
  'keys status': (env) => succeed(env, ['keys', 'status']),
  'keys rotate': (env) => succeed(env, ['keys', 'rotate']),
  'db migrate': (env) => succeed({ ...env, MCP_AUTH_SCHEMA: 'another' }, ['db', 'migrate']),
  'db verify': (env) => succeed(env, ['db', 'verify']),
  'db export': (env) =>
    succeed(env, ['db', 'export', '--output', join(temporaryFolder(), 'backup.jsonl')]),
  'db import': async (env) => {
    const backup = join(temporaryFolder(), 'backup.jsonl')
    await succeed(env, ['db', 'export', '--output', backup])
    return succeed({ ...env, MCP_AUTH_SCHEMA: 'another' }, ['db', 'import', backup])
  },
  'store check': (env) => succeed(env, ['store', 'check']),
  audit: (env) => succeed(env, ['audit', '--event', 'credential.write', '--limit', '1']),
  'audit export': (env) => succeed(env, ['audit', 'export', '--event', 'credential.write']),
  'users allow': (env) => succeed(env, ['users', 'allow', 'new@example.com', '--name', 'New']),
  'users suspend': withUsers(['users', 'suspend', ANN_MAIL]),
  'users activate': withUsers(['users', 'activate', ANN_MAIL]),
  'users set-role': withUsers(['users', 'set-role', ANN_MAIL, 'admin']),
  'users list': withUsers(['users', 'list']),
  'users erase': withUsers(['users', 'erase', ANN_MAIL, '--yes']),
  'users stats': (env) => succeed(env, ['users', 'stats']),
  'clients create': (env) => succeed(env, createClient),
  'clients rotate-secret': async (env) => {
    const { client } = (await succeed(env, createClient)).json() as { client: { clientId: string } }
    return succeed(env, ['clients', 'rotate-secret', client.clientId])
  },
  'clients list': withUsers(['clients', 'list']),
  'clients revoke': async (env) => {
    const { client } = (await succeed(env, createClient)).json() as { client: { clientId: string } }
    return succeed(env, ['clients', 'revoke', client.clientId, '--yes'])
  },
  'sessions list': withUsers(['sessions', 'list']),
  'sessions revoke': withUsers(['sessions', 'revoke', '--user', ANN_MAIL, '--yes']),
  'signing-keys status': withUsers(['signing-keys', 'status']),
  'signing-keys rotate': withUsers(['signing-keys', 'rotate']),
}

/** Commands whose output is a line of JSON for each event. */
const JSON_LINES: ReadonlySet<string> = new Set(['audit', 'audit export'])

type Shape = string | readonly Shape[] | { readonly [name: string]: Shape }

/** Names and types of a document, without its values. The elements of an array are taken together. */
function shapeOf(value: unknown): Shape {
  if (Array.isArray(value)) {
    const shapes = value.map(shapeOf)
    const isRecords = shapes.length > 0 && shapes.every((each) => typeof each === 'object')
    return isRecords ? [Object.assign({}, ...shapes)] : [...new Set(shapes)]
  }
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shapeOf(member)]))
}

describe.skipIf(someServer === undefined)('--json', { timeout: 60_000 }, () => {
  it('has a sample of every command', () => {
    expect(Object.keys(samples)).toEqual(COMMANDS.map(({ definition }) => definition.path))
  })

  it.each(documentedCommands)('writes what the reference page shows for $path', async (command) => {
    const { stdout } = (await samples[command.path]?.(await prepare())) ?? { stdout: '' }
    const lines = stdout.trimEnd().split('\n')
    if (!JSON_LINES.has(command.path)) expect(lines).toHaveLength(1)
    for (const line of lines) expect(shapeOf(JSON.parse(line))).toEqual(shapeOf(command.output))
    expect(stdout).not.toContain('canary')
  })

  it('writes every line of stderr as JSON, remarks, warnings and progress alike', async () => {
    const env = await prepare()
    const keys = `${createKeys()},${env.MCP_AUTH_ENCRYPTION_KEYS}`
    const rotated = await succeed({ ...env, MCP_AUTH_ENCRYPTION_KEYS: keys }, ['keys', 'rotate'])
    const padded = await succeed(env, ['tokens', 'set', 'spaces'], ' canary-spaces ')
    const lines = `${rotated.stderr}${padded.stderr}`.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual(
      expect.arrayContaining([
        { note: 'records rewrapped: 2 of 2' },
        { warning: expect.stringContaining('white space') },
      ]),
    )
    const quiet = ['keys', 'rotate', '--quiet']
    expect((await succeed({ ...env, MCP_AUTH_ENCRYPTION_KEYS: keys }, quiet)).stderr).toBe('')
  })
})
