import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { postgresTokenStore } from '@bestviable/mcp-auth-store-postgres'
import { describe, expect, it } from 'vitest'
import {
  type RunningServer,
  startAuthorizationServer,
  untilRefused,
} from './support/authorization-server.js'
import { type CommandLineResult, commandLine, temporaryFolder } from './support/command-line.js'
import {
  copiesOf,
  createKeys,
  type Environment,
  mainEngines,
  postgresEnvironment,
  someServer,
} from './support/environments.js'

const ANN = 'ann@example.com'

// What a test reads of it, it compares.
async function json(env: Environment, ...argv: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await commandLine([...argv, '--json'], { env })
  expect([code, stderr.includes('"error"')]).toEqual([0, false])
  return JSON.parse(stdout)
}

async function fail(env: Environment, ...argv: string[]): Promise<CommandLineResult> {
  const result = await commandLine(argv, { env })
  expect([result.code === 0, result.stdout]).toEqual([false, ''])
  return result
}

const databaseWithTables = copiesOf(someServer, async (env) => {
  expect((await commandLine(['db', 'migrate'], { env })).code).toBe(0)
})

async function prepare(): Promise<{ readonly env: Environment; readonly server: RunningServer }> {
  const env = await databaseWithTables()
  return { env, server: await startAuthorizationServer(env) }
}

describe.each(mainEngines)('users on $name', { timeout: 180_000 }, (engine) => {
  it.skipIf(engine.skip !== undefined)(
    'are let in, kept out and erased while a server runs on the same database',
    async () => {
      const env = await postgresEnvironment(engine)
      const server = await startAuthorizationServer(env)
      const token = await server.connect()
      expect(await json(env, 'users', 'suspend', ANN)).toMatchObject({
        user: { email: ANN, status: 'suspended' },
      })
      await untilRefused(server, token)
      expect(await json(env, 'users', 'activate', ANN)).toMatchObject({
        user: { status: 'active' },
      })
      const again = await server.connect()
      expect(await server.accepts(again)).toBe(true)
      expect(await json(env, 'users', 'set-role', ANN, 'admin')).toMatchObject({
        user: { role: 'admin' },
      })
      const invited = await json(env, 'users', 'allow', 'new@example.com', '--role', 'user')
      expect(invited).toMatchObject({ user: { status: 'invited' } })
      expect(await json(env, 'users', 'stats')).toMatchObject({
        users: 1,
        invited: 1,
        activeUsers: 1,
      })
      const listed = await commandLine(['users', 'list', '--status', 'active'], { env })
      expect(listed.stdout).toMatch(/^\S{36} {2}ann@example.com {2}active {2}admin {2}\d{4}-/m)

      const { users } = await json(env, 'users', 'list', '--status', 'active')
      const [{ userId }] = users as [{ userId: string }]
      const owner = { kind: 'user', issuer: server.issuer, subject: userId } as const
      const store = postgresTokenStore({
        database: server.database,
        encryptionKeys: env.MCP_AUTH_ENCRYPTION_KEYS ?? '',
      })
      await store.set({ provider: 'coda', owner }, { kind: 'api-key', secret: 'canary-upstream' })
      const erased = await json(env, 'users', 'erase', ANN, '--yes')
      expect(erased).toMatchObject({ userId, credentials: 1 })
      await untilRefused(server, again)
      expect(await store.get({ provider: 'coda', owner })).toBeUndefined()
      expect((await fail(env, 'users', 'suspend', userId)).stderr).toContain('there is no user')
      const events = await commandLine(['audit', 'export', '--all-namespaces'], { env })
      expect(events.stdout).not.toContain(userId)
      expect(events.stdout).toContain('"issuer":"cli"')
      const taken = events.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
        .filter(({ event, keyDigest, ...rest }) =>
          event.startsWith('credential.')
            ? keyDigest === undefined
            : /"erased-/.test(JSON.stringify(rest)),
        )
      // Signed in, consented, got tokens, was managed, and had a credential that was written and deleted.
      expect(taken.length).toBeGreaterThan(8)
      expect(erased).toMatchObject({ auditEvents: taken.length })
    },
  )
})

describe.skipIf(someServer === undefined)(
  'commands of the authorization server',
  { timeout: 60_000 },
  () => {
    it('makes a client whose secret is shown once, and exchanges the secret', async () => {
      const { env, server } = await prepare()
      const program = ['--grant', 'client_credentials', '--scope', 'coda.read']
      const created = await commandLine(['clients', 'create', '--name', 'Nightly', ...program], {
        env,
      })
      const [, clientId = ''] = /^client id: (\S+)$/m.exec(created.stdout) ?? []
      const [, secret = ''] = /^client secret: ([\w-]{43})$/m.exec(created.stdout) ?? []
      expect(created.stderr).not.toContain(secret)
      expect(await server.postToken(clientId, secret)).toBe(200)

      const file = join(temporaryFolder(), 'secret')
      const rotate = ['clients', 'rotate-secret', clientId, '--output', file]
      const rotated = await commandLine(rotate, { env })
      const next = readFileSync(file, 'utf8')
      expect([rotated.code, statSync(file).mode & 0o777]).toEqual([0, 0o600])
      expect(`${rotated.stdout}${rotated.stderr}`).not.toContain(next)
      expect(await server.postToken(clientId, secret)).toBe(401)
      expect(await server.postToken(clientId, next)).toBe(200)
      // Nothing is rotated when there is no place for the secret.
      expect((await fail(env, ...rotate)).stderr).toContain('--force')
      expect(await server.postToken(clientId, next)).toBe(200)

      const listed = await commandLine(['clients', 'list'], { env })
      expect(listed.stdout).toContain('Nightly')
      expect(listed.stdout).not.toContain(next)
      expect((await fail(env, 'clients', 'revoke', clientId)).code).toBe(2)
      expect(await server.postToken(clientId, next)).toBe(200)
      expect(await json(env, 'clients', 'revoke', clientId, '--yes')).toMatchObject({
        client: { active: false },
      })
      expect(await server.postToken(clientId, next)).toBe(401)
    })

    it('gives a program no token whose scopes no resource has', async () => {
      const { env, server } = await prepare()
      const program = ['--grant', 'client_credentials', '--scope', 'nope']
      const created = await json(env, 'clients', 'create', '--name', 'Nightly', ...program)
      const { client, clientSecret } = created as {
        client: { clientId: string }
        clientSecret: string
      }
      expect(await server.postToken(client.clientId, clientSecret)).toBe(400)
    })

    it('lists a client by its document while somebody uses it, and turns it off', async () => {
      const { env, server } = await prepare()
      const id = 'https://app.example.com/client.json'
      const token = await server.connect()
      // The client has no server that could serve its document.
      const change = (text: string) =>
        server.database.query({ name: `test_${text.length}`, text }, [], { kind: 'write' })
      await change(
        `UPDATE {schema}.oauth_tokens SET client_id = '${id}' WHERE client_id IS NOT NULL`,
      )
      await change('DELETE FROM {schema}.oauth_clients')

      const clients = await commandLine(['clients', 'list'], { env })
      expect(clients.stdout).toMatch(
        /^https:\/\/app\.example\.com\/client\.json {2}Test app {2}document {2}- +active {2}\d{4}-/m,
      )
      const sessions = await commandLine(['sessions', 'list'], { env })
      expect(sessions.stdout).toMatch(/^SESSION ID +USER ID +APP +CLIENT ID +SCOPES +LAST USED$/m)
      expect(sessions.stdout).toContain(` Test app  ${id}  coda.read coda.write  `)
      expect(await json(env, 'clients', 'revoke', id, '--yes')).toMatchObject({
        client: { clientId: id, clientName: 'Test app', origin: 'document', active: false },
      })
      await untilRefused(server, token)
      const off = await commandLine(['clients', 'list'], { env })
      expect(off.stdout).toMatch(/client\.json {2}Test app {2}document {2}- +off /)
    })

    it('shows what happened at the server beside the credentials of one namespace', async () => {
      const { env, server } = await prepare()
      await server.connect()
      for (const namespace of ['default', 'other']) {
        const own = { ...env, MCP_AUTH_NAMESPACE: namespace }
        const argv = ['tokens', 'set', `coda-${namespace}`]
        expect((await commandLine(argv, { env: own, input: 'canary-upstream' })).code).toBe(0)
      }
      for (const argv of [['audit'], ['audit', 'export'], ['audit', '--namespace', 'default']]) {
        const { stdout } = await commandLine(argv, { env })
        expect(stdout).toContain('sign-in')
        expect(stdout).toContain('coda-default')
        expect(stdout).not.toContain('coda-other')
      }
    })

    it('names the option that is wrong with a client', async () => {
      const { env } = await prepare()
      const folder = temporaryFolder()
      writeFileSync(join(folder, 'keys.json'), 'canary-no-json')
      const create = ['clients', 'create', '--name', 'App']
      const cases: readonly (readonly [readonly string[], string])[] = [
        [[], '--redirect-uri: '],
        [['--redirect-uri', 'http://app.example.com/cb'], '--redirect-uri: '],
        [['--grant', 'client_credentials'], '--scope: is needed'],
        [
          ['--redirect-uri', 'https://a.example/cb', '--auth-method', 'private_key_jwt'],
          '--auth-method: ',
        ],
        [['--jwks-file', join(folder, 'keys.json')], '--jwks-file: the file is not JSON'],
        [['--grant', 'password'], 'grant'],
        [
          [
            '--output',
            '/nowhere/at/all',
            '--redirect-uri',
            'https://a.example/cb',
            '--auth-method',
            'client_secret_basic',
          ],
          'rotate-secret',
        ],
      ]
      for (const [argv, message] of cases) {
        const { code, stderr } = await fail(env, ...create, ...argv)
        expect([argv, code === 70, stderr]).toEqual([argv, false, expect.stringContaining(message)])
        expect(stderr).not.toContain('canary')
      }
    })

    it('ends connections, one or all of a user', async () => {
      const { env, server } = await prepare()
      const [first, second] = [await server.connect(), await server.connect()]
      const bob = await server.connect('bob')
      const { sessions } = await json(env, 'sessions', 'list', '--user', ANN)
      const list = sessions as { sessionId: string; clientName: string; scopes: string[] }[]
      expect(list).toMatchObject([
        { clientName: 'Test app' },
        { scopes: ['coda.read', 'coda.write'] },
      ])
      const id = list[0]?.sessionId ?? ''
      expect(await json(env, 'sessions', 'revoke', id)).toEqual({ revoked: 1 })
      for (const absent of [id, 'nope']) {
        const { code, stderr } = await fail(env, 'sessions', 'revoke', absent)
        const message = `error: [session-id]: there is no connection "${absent}"\n`
        expect([code, stderr]).toEqual([1, message])
      }
      const refused = await fail(env, 'sessions', 'revoke', '--user', ANN)
      expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('--yes')])
      expect(await json(env, 'sessions', 'revoke', '--user', ANN, '--yes')).toEqual({ revoked: 1 })
      await untilRefused(server, first)
      await untilRefused(server, second)
      expect(await server.accepts(bob)).toBe(true)
      expect((await fail(env, 'sessions', 'revoke')).code).toBe(2)
      expect((await fail(env, 'sessions', 'revoke', id, '--user', ANN)).code).toBe(2)
      expect((await fail(env, 'sessions', 'list', '--user', 'nobody')).stderr).toContain('--user: ')
    })

    it('rotates signing keys, and ends the tokens of a stolen one', async () => {
      const { env, server } = await prepare()
      const token = await server.connect()
      expect(await json(env, 'signing-keys', 'rotate')).toMatchObject({
        keys: [{ state: 'active' }, { state: 'pending' }],
      })
      expect((await commandLine(['signing-keys', 'status'], { env })).stdout).toMatch(
        /ES256 {6}pending/,
      )
      expect(await server.accepts(token)).toBe(true)
      expect((await fail(env, 'signing-keys', 'rotate', '--compromised')).code).toBe(2)
      const after = await commandLine(['signing-keys', 'rotate', '--compromised', '--yes'], { env })
      expect(after.stdout.trim().split('\n')).toHaveLength(2)
      await untilRefused(server, token)
    })

    it('tells what is wrong with a user, a role, and the keys', async () => {
      const { env } = await prepare()
      expect((await fail(env, 'users', 'suspend', 'nobody@example.com')).stderr).toBe(
        'error: <user>: there is no user "nobody@example.com"\n',
      )
      const role = await fail(env, 'users', 'set-role', ANN, 'root')
      expect([role.code, role.stderr]).toEqual([2, expect.stringContaining('admin or user')])
      const email = await fail(env, 'users', 'allow', 'nobody')
      expect([email.code, email.stderr]).toEqual([
        2,
        expect.stringContaining('<email>: must be one plain e-mail address'),
      ])
      const erase = await fail(env, 'users', 'erase', 'nobody', '--yes')
      expect([erase.code, erase.stderr]).toEqual([1, 'error: <user>: there is no user "nobody"\n'])
      expect((await fail(env, 'users', 'list', '--after', 'x')).code).not.toBe(70)
      const keys = { ...env, MCP_AUTH_ENCRYPTION_KEYS: createKeys() }
      expect((await fail(keys, 'users', 'list')).code).toBe(3)
    })

    it('erases nobody whose credentials it could only read', async () => {
      const { env, server } = await prepare()
      const token = await server.connect()
      const { users } = await json(env, 'users', 'list')
      const [{ userId }] = users as [{ userId: string }]
      const names = join(temporaryFolder(), 'names.json')
      const user = {
        provider: 'coda',
        issuer: server.issuer,
        subject: userId,
        variable: 'ANN_CODA',
      }
      writeFileSync(names, JSON.stringify({ users: [user] }))
      const own = { ...env, ANN_CODA: 'canary-env-credential' }
      const argv = ['users', 'erase', ANN, '--store', 'env', '--env-names', names, '--yes']
      const refused = await fail(own, ...argv)
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('--store: ')])
      expect(await server.accepts(token)).toBe(true)
    })
  },
)
