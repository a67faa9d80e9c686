import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { commandLine, temporaryFolder } from './support/command-line.js'
import {
  copiesOf,
  createKeys,
  type Environment,
  engines,
  mainEngines,
  postgresEnvironment,
  someServer,
} from './support/environments.js'

const CANARY = 'canary-sealed-77aa'

async function store(env: Environment, ...providers: string[]): Promise<void> {
  for (const provider of providers) {
    const argv = ['tokens', 'set', provider]
    const { code, stderr } = await commandLine(argv, { env, input: `${CANARY}-${provider}` })
    expect([code, stderr]).toEqual([0, expect.anything()])
  }
}

async function json(env: Environment, ...argv: string[]): Promise<unknown> {
  return (await commandLine([...argv, '--json'], { env })).json()
}

describe('keys generate', () => {
  it('writes a key to stdout and its id to stderr', async () => {
    const { code, stdout, stderr } = await commandLine(['keys', 'generate'])
    expect(code).toBe(0)
    expect(Buffer.from(stdout.trim(), 'base64').length).toBe(32)
    expect(stderr).toMatch(/^key id [0-9a-f]{16};/)
    expect(stderr).not.toContain(stdout.trim())
    expect((await commandLine(['keys', 'generate'])).stdout).not.toBe(stdout)
    expect((await commandLine(['keys', 'generate', '--quiet'])).stderr).toBe('')
  })
})

describe.each(mainEngines)('keys, db and audit on $name', { timeout: 180_000 }, (engine) => {
  it.skipIf(engine.skip !== undefined)(
    'rotates keys, backs up, restores and shows who did it',
    async () => {
      const env = await postgresEnvironment(engine)
      const old = env.MCP_AUTH_ENCRYPTION_KEYS ?? ''
      await store(env, 'coda', 'github')
      const current = createKeys()
      const both = { ...env, MCP_AUTH_ENCRYPTION_KEYS: `${current},${old}` }
      expect(await json(both, 'keys', 'rotate', '--batch-size', '1')).toMatchObject({
        rewrapped: 2,
        remaining: 0,
      })
      const alone = { ...env, MCP_AUTH_ENCRYPTION_KEYS: current }
      expect(await json(alone, 'db', 'verify')).toMatchObject({ sound: 2, failed: [] })
      const status = await commandLine(['keys', 'status'], { env: alone })
      expect(status.stdout).toMatch(/^[0-9a-f]{16} {2}2 {8}current$/m)
      expect(status.stdout).toMatch(/^[0-9a-f]{16} {2}0 {8}dropped$/m)

      const backup = join(temporaryFolder(), 'backup.jsonl')
      await json(alone, 'db', 'export', '--output', backup)
      expect(statSync(backup).mode & 0o777).toBe(0o600)
      expect(readFileSync(backup, 'utf8')).not.toContain(CANARY)
      const other = { ...(await postgresEnvironment(engine)), MCP_AUTH_ENCRYPTION_KEYS: current }
      const imported = await commandLine(['db', 'import', backup], { env: other })
      expect(imported.stdout).toContain('credentials: 2 rows, 2 written, 0 there already')
      const shown = await commandLine(['tokens', 'get', 'coda', '--reveal', '--yes'], {
        env: other,
      })
      expect(shown.stdout).toContain(`${CANARY}-coda`)

      const lines = await commandLine(['audit', 'export', '--format', 'jsonl'], { env: alone })
      const events = lines.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).event)
      expect(events.filter((event) => event === 'credential.write')).toHaveLength(2)
      expect(lines.stdout).not.toContain(CANARY)
    },
  )
})

const databaseWithTables = copiesOf(someServer, async (env) => {
  expect((await commandLine(['db', 'migrate'], { env })).code).toBe(0)
})

describe.skipIf(someServer === undefined)('keys, db and audit', { timeout: 60_000 }, () => {
  // A copy has the keys of the others; some tests are about those of two databases.
  const create = async (): Promise<Environment> => ({
    ...(await databaseWithTables()),
    MCP_AUTH_ENCRYPTION_KEYS: createKeys(),
  })

  it('leaves a schema without tables alone until it is told to make them', async () => {
    const env = await postgresEnvironment(someServer ?? engines[0] ?? fail())
    for (const argv of [['tokens', 'list'], ['keys', 'status'], ['db', 'verify'], ['audit']]) {
      const { code, stderr } = await commandLine(argv, { env })
      expect([argv.join(' '), code]).toEqual([argv.join(' '), 3])
      expect(stderr).toContain('mcp-auth db migrate')
    }
    const { DATABASE_URL = '' } = env
    const dry = await commandLine(['db', 'migrate', '--dry-run'], { env: { DATABASE_URL } })
    expect(dry.stdout).toContain('would apply 1 (credentials)')
    const made = await commandLine(['db', 'migrate'], { env: { DATABASE_URL } })
    expect(made.stdout).toContain('applied 1 (credentials)')
    const again = await commandLine(['db', 'migrate'], { env: { DATABASE_URL } })
    expect(again.stdout).toBe('the schema mcp_auth is up to date\n')
    expect((await commandLine(['tokens', 'list'], { env })).code).toBe(0)
  })

  it('X09 tells a wrong key, and a record whose key is missing here', async () => {
    const env = await create()
    await store(env, 'coda')
    const wrong = { ...env, MCP_AUTH_ENCRYPTION_KEYS: createKeys() }
    const { code } = await commandLine(['tokens', 'get', 'coda'], { env: wrong })
    expect([3, 4]).toContain(code)
    const status = await commandLine(['keys', 'status'], { env: wrong })
    expect([status.code, status.stdout]).toMatchObject([1, expect.stringContaining('missing here')])
    expect((await commandLine(['db', 'verify'], { env: wrong })).code).toBe(3)
  })

  it('X06 ends with 5 for a damaged record, leaves it, and can remove it on purpose', async () => {
    const env = await create()
    await store(env, 'coda')
    const client = new pg.Client({ connectionString: env.DATABASE_URL })
    await client.connect()
    try {
      await client.query(
        'UPDATE mcp_auth.credentials SET payload = set_byte(payload, 30, get_byte(payload, 30) # 1)',
      )
    } finally {
      await client.end()
    }
    for (const argv of [
      ['tokens', 'get', 'coda'],
      ['db', 'verify'],
      ['migrate', '--from', 'postgres', '--to', 'postgres', '--to-namespace', 'other'],
    ]) {
      const { code, stderr } = await commandLine(argv, { env })
      expect([argv.join(' '), code]).toEqual([argv.join(' '), 5])
      expect(stderr).not.toContain(CANARY)
    }
    const set = await commandLine(['tokens', 'set', 'coda', '--yes'], { env, input: 'canary-new' })
    expect(set.code).toBe(5)
    expect((await commandLine(['tokens', 'delete', 'coda', '--yes'], { env })).code).toBe(0)
    expect((await commandLine(['tokens', 'get', 'coda'], { env })).code).toBe(1)
  })

  it('imports all or nothing, and replaces only after a confirmation', async () => {
    const env = await create()
    await store(env, 'coda')
    const folder = temporaryFolder()
    const backup = join(folder, 'backup.jsonl')
    const exportArgv = ['db', 'export', '--output', backup]
    expect((await commandLine(exportArgv, { env })).code).toBe(0)
    expect((await commandLine(exportArgv, { env })).code).toBe(1)
    expect((await commandLine([...exportArgv, '--force'], { env })).code).toBe(0)

    expect((await commandLine(['db', 'import', backup], { env })).code).toBe(1)
    const skip = ['db', 'import', backup, '--existing', 'skip']
    expect((await commandLine(skip, { env })).code).toBe(0)
    const replace = ['db', 'import', backup, '--existing', 'replace']
    expect((await commandLine(replace, { env })).code).toBe(2)
    expect((await commandLine([...replace, '--yes'], { env })).code).toBe(0)

    const cut = join(folder, 'cut.jsonl')
    writeFileSync(cut, readFileSync(backup, 'utf8').slice(0, -40))
    expect((await commandLine(['db', 'import', cut], { env: await create() })).code).toBe(5)
    expect((await commandLine(['db', 'import', join(folder, 'none')], { env })).code).toBe(3)
  })

  it('filters audit events, newest at the end', async () => {
    const env = await create()
    await store(env, 'coda', 'github')
    await store({ ...env, MCP_AUTH_NAMESPACE: 'other' }, 'coda')
    const show = async (...flags: string[]) =>
      (await commandLine(['audit', '--event', 'credential.write', ...flags], { env })).stdout
    expect((await show()).trim().split('\n')).toHaveLength(2)
    expect(await show('--provider', 'github')).toMatch(/^\S+ {2}credential\.write {2}done .*github/)
    expect((await show('--limit', '1')).trim()).toContain('github')
    expect((await show('--all-namespaces')).trim().split('\n')).toHaveLength(3)
    expect((await show('--since', '1h')).trim().split('\n')).toHaveLength(2)
    expect(await show('--until', '2020-01-01')).toBe('')
    expect(await show('--actor', 'nobody')).toBe('')
  })

  it('tells whose accesses it shows', async () => {
    const env = await create()
    await store(env, 'coda')
    const client = new pg.Client({ connectionString: env.DATABASE_URL })
    await client.connect()
    try {
      await client.query(
        "UPDATE mcp_auth.audit_events SET actor_issuer = 'https://login.example.com', actor_subject = 'ann' WHERE event = 'credential.write'",
      )
    } finally {
      await client.end()
    }
    const show = async (...flags: string[]) =>
      (await commandLine(['audit', ...flags], { env })).stdout
    expect(await show('--actor', 'ann')).toMatch(
      /^\S+ {2}credential\.write .* by "ann" at "https:\/\/login\.example\.com"\n$/,
    )
    const issuer = (url: string) => ['--actor', 'ann', '--actor-issuer', url]
    expect(await show(...issuer('https://login.example.com'))).not.toBe('')
    expect(await show(...issuer('https://other.example.com'))).toBe('')
    const alone = await commandLine(['audit', '--actor-issuer', 'https://a.example'], { env })
    expect(alone.code).toBe(2)
  })

  it('follows audit events as JSON Lines until it is interrupted', async () => {
    const env = await create()
    await store(env, 'coda')
    const interruption = new AbortController()
    let seen = ''
    const following = commandLine(['audit', '--follow', '--event', 'credential.write', '--json'], {
      env,
      signal: interruption.signal,
      onStdout: (text) => {
        seen += text
      },
    })
    let round = 0
    // Events from before the start are not shown, so some are made until one is seen.
    const writeMore = async () => {
      await store(env, `provider-${round++}`)
      return seen
    }
    await expect.poll(writeMore, { timeout: 30_000, interval: 200 }).toContain('provider-')
    interruption.abort()
    const { code, stdout } = await following
    expect(code).toBe(130)
    const events = stdout.trimEnd().split('\n')
    for (const line of events) expect(JSON.parse(line)).toMatchObject({ event: 'credential.write' })
    expect(stdout).not.toContain('"coda"')
  })

  it('exports one namespace, and tells what an import would add without adding it', async () => {
    const env = await create()
    await store(env, 'coda')
    await store({ ...env, MCP_AUTH_NAMESPACE: 'other' }, 'coda', 'github')
    const backup = join(temporaryFolder(), 'other.jsonl')
    const argv = ['db', 'export', '--output', backup, '--namespace', 'other']
    expect(await json(env, ...argv)).toMatchObject({ tables: { credentials: 2 } })

    const target = {
      ...(await create()),
      MCP_AUTH_ENCRYPTION_KEYS: env.MCP_AUTH_ENCRYPTION_KEYS ?? '',
    }
    await store(target, 'gitlab')
    const added = { tables: { credentials: { rows: 2, written: 2, existing: 0 } } }
    expect(await json(target, 'db', 'import', backup, '--dry-run')).toMatchObject(added)
    expect(await json(target, 'db', 'verify')).toMatchObject({ sound: 1 })
    expect(await json(target, 'db', 'import', backup)).toMatchObject(added)
    expect(await json(target, 'db', 'verify')).toMatchObject({ sound: 3 })
  })
})

function fail(): never {
  throw new Error('no engine')
}
