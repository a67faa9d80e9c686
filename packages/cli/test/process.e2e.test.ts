import { existsSync } from 'node:fs'
import { createEnvelopeCodec, localKeyProvider } from '@bestviable/mcp-auth-middleware/envelope'
import { postgresTokenStore } from '@bestviable/mcp-auth-store-postgres'
import { describe, expect, it } from 'vitest'
import { isLongForm } from '../../../test/security/support/long-form.js'
import {
  noTerminal,
  type RunningProgram,
  startAtTerminal,
  startProgram,
  startShell,
} from './support/child-process.js'
import { commandLine } from './support/command-line.js'
import {
  copiesOf,
  createKeys,
  type Environment,
  infisicalEnvironment,
  someServer,
} from './support/environments.js'

const OLD = 'canary-before-2201'
const NEW = 'canary-after-2202'
const RECORDS = 400
/** Sets colours at a terminal, unlike the sequences that move the cursor. */
const COLOR = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`)

async function secretOf(env: Environment, provider: string): Promise<string | undefined> {
  const argv = ['tokens', 'get', provider, '--reveal', '--yes']
  return /^secret: (.*)$/m.exec((await commandLine(argv, { env })).stdout)?.[1]
}

const databaseWithRecords = copiesOf(someServer, async (env) => {
  const store = postgresTokenStore({
    connectionString: env.DATABASE_URL ?? '',
    encryptionKeys: env.MCP_AUTH_ENCRYPTION_KEYS ?? '',
    listen: false,
  })
  const subjects = Array.from({ length: RECORDS }, (_, index) => `user-${index}`)
  const writeRest = async () => {
    for (let subject = subjects.pop(); subject !== undefined; subject = subjects.pop()) {
      await store.set(
        { provider: 'coda', owner: { kind: 'user', issuer: 'https://login.example.com', subject } },
        { kind: 'api-key', secret: `canary-${subject}` },
      )
    }
  }
  // As many at once as there are connections: a write that waits for one has a deadline.
  await Promise.all([writeRest(), writeRest(), writeRest(), writeRest()])
  await store.close()
})

/** A database with many records under a key that is no longer the current one. */
async function databaseToRotate(): Promise<Environment> {
  const env = await databaseWithRecords()
  const keys = `${createKeys()},${env.MCP_AUTH_ENCRYPTION_KEYS}`
  return { ...env, MCP_AUTH_ENCRYPTION_KEYS: keys }
}

async function expectRotationToGoOn(env: Environment, interrupted: RunningProgram): Promise<void> {
  expect(await interrupted.ended).toBe(130)
  const status = await commandLine(['keys', 'status', '--json'], { env })
  const { keys } = status.json() as { keys: { current: boolean; records: number }[] }
  const done = keys.find(({ current }) => current)?.records ?? 0
  expect(done).toBeGreaterThan(0)
  expect(done).toBeLessThan(RECORDS)
  const rest = await commandLine(['keys', 'rotate', '--json'], { env })
  expect(rest.json()).toMatchObject({ rewrapped: RECORDS - done, remaining: 0, failed: [] })
  const verified = await commandLine(['db', 'verify', '--json'], { env })
  expect(verified.json()).toMatchObject({ sound: RECORDS })
}

const rotate = ['keys', 'rotate', '--batch-size', '1']

describe('the program', { timeout: 60_000 }, () => {
  it('ends with the exit code of what happened', async () => {
    expect(await startProgram(['--version']).ended).toBe(0)
    expect(await startProgram(['tokens', 'get', 'coda']).ended).toBe(1)
    expect(await startProgram(['tokens', 'got']).ended).toBe(2)
    expect(await startProgram(['store', 'check'], { TOKEN_STORE: 'postgresql' }).ended).toBe(3)
  })

  it('reads a value from a pipe and writes JSON into one', async () => {
    const { env } = await infisicalEnvironment()
    const program = startProgram(['tokens', 'set', 'coda', '--json'], env)
    program.process.stdin?.end(`${NEW}\n`)
    expect(await program.ended).toBe(0)
    expect(JSON.parse(program.stdout())).toMatchObject({ action: 'created' })
    expect(await secretOf(env, 'coda')).toBe(NEW)
  })

  it.each([
    ['help', '"$NODE" "$PROGRAM" --help | true'],
    ['a result', '"$NODE" "$PROGRAM" keys generate --quiet | true'],
    ['an error', '"$NODE" "$PROGRAM" tokens got 2>&1 >&3 | true'],
  ])('writes %s into a pipe that nobody reads and says nothing', async (what, command) => {
    const shell = startShell(`exec 3>&1; set -o pipefail; ${command}`)
    expect(await shell.ended).toBe(what === 'an error' ? 2 : 0)
    expect(shell.stdout() + shell.stderr()).toBe('')
  })

  it.skipIf(!existsSync('/dev/full')).each(['--help', 'keys generate', 'store check --json'])(
    'tells by its exit code that stdout was full, for %s',
    async (words) => {
      const shell = startShell(`"$NODE" "$PROGRAM" ${words} > /dev/full`)
      expect(await shell.ended).toBe(3)
      expect(shell.stderr()).toContain('stdout cannot be written (ENOSPC)')
      expect(shell.stderr()).not.toContain('    at ')
    },
  )

  // By day a rotation has the other signal.
  it.each(isLongForm ? (['SIGINT', 'SIGTERM'] as const) : (['SIGTERM'] as const))(
    'ends with 130 on %s while it waits for stdin',
    async (signal) => {
      const { env, fake } = await infisicalEnvironment()
      const program = startProgram(['tokens', 'set', 'coda'], env)
      // By then it has read the store, and waits.
      await expect
        .poll(() => fake.count('listSecrets', 'getSecret'), { timeout: 20_000 })
        .toBeGreaterThan(0)
      program.process.kill(signal)
      expect(await program.ended).toBe(130)
      expect(program.stderr()).toContain('interrupted')
      expect(fake.secrets()).toEqual([])
    },
  )

  // By day between the two writes; by night before, between and after them.
  it.each(
    isLongForm
      ? (['listSecrets', 'createSecret', 'updateSecret'] as const)
      : (['updateSecret'] as const),
  )('sets a credential after it was killed at %s and run again', async (endpoint) => {
    const { env, fake } = await infisicalEnvironment()
    await commandLine(['tokens', 'set', 'coda'], { env, input: OLD })
    const argv = ['tokens', 'set', 'coda', '--keep-old']
    fake.faults.next('stall', endpoint)
    const program = startProgram(argv, env)
    program.process.stdin?.end(NEW)
    await expect.poll(() => fake.faults.stalled, { timeout: 20_000 }).toBe(1)
    program.process.kill('SIGKILL')
    expect(await program.ended).toBe('SIGKILL')
    // The request was under way; the server may still do what it says.
    fake.faults.release()
    const again = await commandLine(argv, { env, input: NEW })
    expect(again.code).toBe(0)
    expect(await secretOf(env, 'coda')).toBe(NEW)
    expect(await secretOf(env, 'coda-previous')).toBe(OLD)
  })
})

describe.skipIf(someServer === undefined)('the program on PostgreSQL', { timeout: 120_000 }, () => {
  it('finishes the current batch on SIGINT and goes on in the next run', async () => {
    const env = await databaseToRotate()
    const program = startProgram(rotate, env)
    await program.waitFor(`of ${RECORDS}`)
    program.process.kill('SIGINT')
    await expectRotationToGoOn(env, program)
    expect(program.stdout()).toBe('')
    expect(program.stderr()).toMatch(/^records rewrapped: \d+ of 400$/m)
    expect(program.stderr()).toContain('Run the command again to go on')
  })

  it('is quiet when the reader of a pipe goes away', async () => {
    const env = await databaseToRotate()
    const exporting = '"$NODE" "$PROGRAM" audit export --quiet'
    const shell = startShell(`set -o pipefail; ${exporting} | head -n 1`, env)
    expect(await shell.ended).toBe(0)
    expect(shell.stderr()).toBe('')
    expect(JSON.parse(shell.stdout())).toMatchObject({ event: 'credential.write' })
  })

  it('lists the first of many, for head -1', async () => {
    const env = await databaseToRotate()
    const listing = '"$NODE" "$PROGRAM" tokens list'
    const shell = startShell(`set -o pipefail; ${listing} | head -n 1`, env)
    expect(await shell.ended).toBe(0)
    expect([shell.stdout(), shell.stderr()]).toEqual(['PROVIDER  OWNER\n', ''])
  })

  it('opens what it rotated with the new key alone', async () => {
    const env = await databaseToRotate()
    const program = startProgram([...rotate.slice(0, 2), '--quiet', '--json'], env)
    expect(await program.ended).toBe(0)
    expect(program.stderr()).toBe('')
    const [current = ''] = (env.MCP_AUTH_ENCRYPTION_KEYS ?? '').split(',')
    const { currentKeyId } = createEnvelopeCodec({
      keyProvider: localKeyProvider({ keys: current }),
    })
    expect(JSON.parse(program.stdout())).toMatchObject({ keyId: currentKeyId, rewrapped: RECORDS })
  })
})

const terminalTitle = `the program at a terminal${noTerminal === undefined ? '' : ` (skipped: ${noTerminal})`}`

describe.skipIf(noTerminal !== undefined)(terminalTitle, { timeout: 120_000 }, () => {
  it('asks for a value without showing it', async () => {
    const { env } = await infisicalEnvironment()
    const program = startAtTerminal(['tokens', 'set', 'coda'], env)
    await program.waitFor('Credential for coda (service)')
    program.process.stdin?.write(`${NEW}\r`)
    expect(await program.ended).toBe(0)
    expect(program.stdout()).not.toContain(NEW)
    expect(program.stdout()).toContain('stored coda (service)')
    expect(await secretOf(env, 'coda')).toBe(NEW)
  })

  it('ends with 130 on Ctrl-C at a prompt', async () => {
    const { env, fake } = await infisicalEnvironment()
    const program = startAtTerminal(['tokens', 'set', 'coda'], env)
    await program.waitFor('Credential for coda (service)')
    program.process.stdin?.write('\u0003')
    expect(await program.ended).toBe(130)
    expect(fake.secrets()).toEqual([])
  })

  it('asks before it deletes, and takes no for an answer', async () => {
    const { env } = await infisicalEnvironment()
    await commandLine(['tokens', 'set', 'coda'], { env, input: OLD })
    const program = startAtTerminal(['tokens', 'delete', 'coda', '--no-color'], env)
    await program.waitFor('Delete the credential coda (service)')
    program.process.stdin?.write('n')
    expect(await program.ended).toBe(1)
    expect(program.stdout()).not.toMatch(COLOR)
    expect(await secretOf(env, 'coda')).toBe(OLD)
  })

  it.skipIf(someServer === undefined)(
    'shows a bar, and finishes the current batch on Ctrl-C',
    async () => {
      const env = await databaseToRotate()
      const program = startAtTerminal(rotate, { ...env, NO_COLOR: '1' })
      await program.waitFor(`of ${RECORDS}`)
      program.process.stdin?.write('\u0003')
      await expectRotationToGoOn(env, program)
      expect(program.stdout()).toContain('━')
      expect(program.stdout()).not.toMatch(COLOR)
    },
  )
})
