import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isLongForm } from '../../../test/security/support/long-form.js'
import { commandLine, temporaryFolder } from './support/command-line.js'
import {
  type Environment,
  engines,
  infisicalEnvironment,
  postgresEnvironment,
  someServer,
} from './support/environments.js'
import { startFakeCoda } from './support/fake-coda.js'

const CODA = 'canary-coda-token-4410'
const GITHUB = 'canary-github-token-4411'
const CANARIES = /canary-/

interface Report {
  readonly ok: boolean
  readonly total: number
  readonly counts: Readonly<Record<string, number>>
}

/** Variables of all three phases at once. */
async function phases(engine = someServer): Promise<Environment> {
  if (engine === undefined) throw new Error('no PostgreSQL server runs here')
  const { env: infisical } = await infisicalEnvironment()
  const postgres = await postgresEnvironment(engine)
  return { ...infisical, ...postgres, CODA_API_TOKEN: CODA, GITHUB_API_TOKEN: GITHUB }
}

async function migrate(env: Environment, from: string, to: string, ...flags: string[]) {
  const argv = ['migrate', '--from', from, '--to', to, '--json', ...flags]
  const result = await commandLine(argv, { env, fetch: globalThis.fetch })
  expect(result.stdout + result.stderr).not.toMatch(CANARIES)
  const report = result.stdout === '' ? undefined : (result.json() as Report)
  return { ...result, report }
}

async function secretIn(env: Environment, store: string, provider: string): Promise<unknown> {
  const argv = ['tokens', 'get', provider, '--store', store, '--reveal', '--yes', '--json']
  const result = await commandLine(argv, { env })
  return result.code === 0
    ? (result.json() as { credential: { secret: string } }).credential.secret
    : undefined
}

describe.each(engines)('migrate over $name', { timeout: 180_000 }, (engine) => {
  it.skipIf(engine.skip !== undefined)(
    'X35 goes from phase 1 to 2 to 3 and back to 2 and 1 without a changed value',
    async () => {
      const env = await phases(engine)
      const first = await migrate(env, 'env', 'postgres')
      expect(first).toMatchObject({ code: 0, report: { total: 2, counts: { copied: 2 } } })
      expect(await migrate(env, 'env', 'postgres', '--verify')).toMatchObject({
        code: 0,
        report: { counts: { equal: 2 } },
      })

      // PGlite starts anew for every command: by day it has gone far enough where PostgreSQL goes on.
      if (!isLongForm && engine.kind === 'pglite' && someServer !== undefined) return

      const second = await migrate(env, 'postgres', 'infisical')
      expect(second).toMatchObject({ code: 0, report: { counts: { copied: 2 } } })
      const finished = await migrate(env, 'postgres', 'infisical', '--finish', '--yes')
      expect(finished).toMatchObject({ code: 0, report: { finished: true } })
      expect(await secretIn(env, 'postgres', 'coda')).toBeUndefined()
      expect(await secretIn(env, 'infisical', 'coda')).toBe(CODA)

      expect((await migrate(env, 'infisical', 'postgres')).code).toBe(0)
      expect(await secretIn(env, 'postgres', 'github')).toBe(GITHUB)
      const file = join(temporaryFolder(), 'coda.env')
      const argv = ['export', '--format', 'env', '--output', file, '--json']
      const exported = await commandLine(argv, { env })
      expect(exported.json()).toMatchObject({ compared: 2 })
      expect(readFileSync(file, 'utf8')).toBe(
        `CODA_API_TOKEN=${CODA}\nGITHUB_API_TOKEN=${GITHUB}\n`,
      )
    },
  )
})

describe.skipIf(someServer === undefined)('migrate', { timeout: 60_000 }, () => {
  it('X38 makes no folder in a dry run towards an embedded database', async () => {
    const dataDir = join(temporaryFolder(), 'data')
    const env = { CODA_API_TOKEN: CODA, DATA_DIR: dataDir }
    expect(await migrate(env, 'env', 'postgres', '--dry-run')).toMatchObject({
      code: 0,
      report: { dryRun: true, counts: { copied: 1 } },
    })
    expect(existsSync(dataDir)).toBe(false)
  })

  it('X38 writes nothing in a dry run, not even tables', async () => {
    const env = await phases()
    const dry = await migrate(env, 'env', 'postgres', '--dry-run')
    expect(dry).toMatchObject({ code: 0, report: { dryRun: true, counts: { copied: 2 } } })
    const pending = await commandLine(['db', 'migrate', '--dry-run', '--json'], { env })
    expect((pending.json() as { migrations: unknown[] }).migrations).not.toEqual([])

    await migrate(env, 'env', 'postgres')
    expect(await migrate(env, 'postgres', 'infisical', '--dry-run')).toMatchObject({ code: 0 })
    expect(await secretIn(env, 'infisical', 'coda')).toBeUndefined()
    const finish = await migrate(env, 'env', 'postgres', '--finish', '--dry-run')
    expect(finish.code).toBe(0)
  })

  it('X40 writes a report of names and counts for its owner only', async () => {
    const env = await phases()
    const path = join(temporaryFolder(), 'report.json')
    expect((await migrate(env, 'env', 'postgres', '--report', path)).code).toBe(0)
    const text = readFileSync(path, 'utf8')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(text).not.toMatch(CANARIES)
    expect(JSON.parse(text)).toMatchObject({
      step: 'copy',
      from: { store: 'env', namespace: 'default' },
      to: { store: 'postgres', namespace: 'default' },
      ok: true,
      entries: [{ provider: 'coda', outcome: 'copied' }, { provider: 'github' }],
    })
    // The next run replaces it.
    await migrate(env, 'env', 'postgres', '--report', path)
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ counts: { present: 2 } })
  })

  it('ends with 1 while something differs, and lets a person decide', async () => {
    const env = await phases()
    await migrate(env, 'env', 'postgres')
    const changed = { ...env, CODA_API_TOKEN: 'canary-changed-by-hand' }
    const different = await migrate(changed, 'env', 'postgres')
    expect(different).toMatchObject({ code: 1, report: { counts: { different: 1, present: 1 } } })
    expect((await migrate(changed, 'env', 'postgres', '--verify')).code).toBe(1)
    const refused = await migrate(changed, 'env', 'postgres', '--finish', '--yes')
    expect(refused).toMatchObject({ code: 1, report: { finished: false } })
    const human = await commandLine(['migrate', '--from', 'env', '--to', 'postgres'], {
      env: changed,
    })
    expect(human.stdout).toContain('decide with --prefer from or --prefer to')

    expect((await migrate(changed, 'env', 'postgres', '--prefer', 'from')).code).toBe(0)
    expect(await secretIn(changed, 'postgres', 'coda')).toBe('canary-changed-by-hand')
  })

  it('says what is left to do by hand after a read-only store', async () => {
    const env = await phases()
    await migrate(env, 'env', 'postgres')
    const finish = await migrate(env, 'env', 'postgres', '--finish', '--yes')
    expect(finish).toMatchObject({ code: 0, report: { counts: { 'by-hand': 2 } } })
    expect(finish.stderr).toContain('removed there by hand')
  })

  it('asks before it removes', async () => {
    const env = await phases()
    await migrate(env, 'env', 'postgres')
    await migrate(env, 'postgres', 'infisical')
    expect((await migrate(env, 'postgres', 'infisical', '--finish')).code).toBe(2)
    const argv = ['migrate', '--from', 'postgres', '--to', 'infisical', '--finish']
    expect((await commandLine(argv, { env, typed: ['n'] })).code).toBe(1)
    expect(await secretIn(env, 'postgres', 'coda')).toBe(CODA)
  })

  it('copies only what the upstream API accepts, and tells a refusal from an outage', async () => {
    const coda = await startFakeCoda()
    const env = { ...(await phases()), CODA_API_BASE_URL: coda.baseUrl }
    const refused = await migrate(env, 'env', 'postgres', '--probe')
    expect(refused).toMatchObject({ code: 1, report: { counts: { 'probe-failed': 1, copied: 1 } } })
    expect(refused.stderr).toContain('1 credentials have no probe')
    coda.mode = 'unavailable'
    expect((await migrate(env, 'env', 'postgres', '--probe')).code).toBe(4)
    coda.mode = 'normal'
    coda.tokens.add(CODA)
    expect((await migrate(env, 'env', 'postgres', '--probe')).code).toBe(0)
  })

  it('moves between two namespaces of one database', async () => {
    const env = await phases()
    await migrate(env, 'env', 'postgres')
    const moved = await migrate(env, 'postgres', 'postgres', '--to-namespace', 'other')
    expect(moved).toMatchObject({ code: 0, report: { counts: { copied: 2 } } })
  })

  it('keeps the report of what was done when a store goes away', async () => {
    const { fake, env: infisical } = await infisicalEnvironment()
    const postgres = await postgresEnvironment(someServer ?? engines[0] ?? fail())
    const env = { ...infisical, ...postgres, CODA_API_TOKEN: CODA }
    await migrate(env, 'env', 'postgres')
    fake.faults.always('server-error', 'createSecret')
    const path = join(temporaryFolder(), 'report.json')
    const stopped = await migrate(env, 'postgres', 'infisical', '--report', path)
    expect(stopped.code).toBe(4)
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ ok: false, total: 1 })
  })

  it('stops in order when it is interrupted, and goes on in the next run', async () => {
    const { fake, env: infisical } = await infisicalEnvironment()
    const postgres = await postgresEnvironment(someServer ?? engines[0] ?? fail())
    const names = Array.from({ length: 12 }, (_, index) => `P${index}_API_TOKEN`)
    const tokens = Object.fromEntries(names.map((name) => [name, `${CODA}-${name}`]))
    const env = { ...tokens, ...infisical, ...postgres }
    await migrate(env, 'env', 'postgres')

    const interruption = new AbortController()
    fake.faults.next('stall', 'createSecret')
    const argv = [
      'migrate',
      '--from',
      'postgres',
      '--to',
      'infisical',
      '--concurrency',
      '1',
      '--json',
    ]
    const running = commandLine(argv, { env, signal: interruption.signal })
    await expect.poll(() => fake.faults.stalled, { timeout: 20_000 }).toBe(1)
    interruption.abort()
    fake.faults.release()
    const stopped = await running
    expect(stopped.code).toBe(130)
    expect(stopped.stderr).toContain('Run the command again to go on')
    expect(fake.secrets().length).toBeLessThan(names.length)

    const again = await migrate(env, 'postgres', 'infisical')
    expect(again).toMatchObject({ code: 0, report: { ok: true, total: names.length } })
    expect(await migrate(env, 'postgres', 'infisical', '--verify')).toMatchObject({
      code: 0,
      report: { counts: { equal: names.length } },
    })
  })

  it('refuses values that are none', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'token'), `\${CODA_API_TOKEN}`)
    const { CODA_API_TOKEN: _, ...env } = await phases()
    const withFile = { ...env, CODA_API_TOKEN_FILE: join(folder, 'token') }
    const refused = await migrate(withFile, 'env', 'postgres')
    expect(refused.code).toBe(1)
    expect(await secretIn(env, 'postgres', 'coda')).toBeUndefined()
  })
})

function fail(): never {
  throw new Error('no engine')
}

describe('migrate, on the command line', () => {
  it.each([
    [
      'the same store twice',
      ['--from', 'postgres', '--to', 'postgres'],
      'same store and namespace',
    ],
    [
      'the same store and namespace said in two ways',
      ['--from', 'infisical', '--to', 'infisical', '--namespace', 'a', '--to-namespace', 'a'],
      'same store and namespace',
    ],
    ['the environment as target', ['--from', 'postgres', '--to', 'env'], 'export --format env'],
    ['two steps at once', ['--from', 'env', '--to', 'postgres', '--verify', '--finish'], 'alone'],
    [
      'a probe while comparing',
      ['--from', 'env', '--to', 'postgres', '--verify', '--probe'],
      'belongs to copying',
    ],
    ['no source', ['--to', 'postgres'], '--from'],
  ])('refuses %s', async (_what, flags, message) => {
    const { code, stderr } = await commandLine(['migrate', ...flags])
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })
})
