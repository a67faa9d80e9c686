import { describe, expect, it } from 'vitest'
import { commandLine } from './support/command-line.js'
import {
  type Environment,
  engines,
  infisicalEnvironment,
  postgresEnvironment,
} from './support/environments.js'

const OLD = 'canary-old-token-71c0'
const NEW = 'canary-new-token-88fe'
const ANN = ['--issuer', 'https://login.example.com', '--subject', 'ann']

interface Backend {
  readonly name: string
  readonly skip?: string
  create(): Promise<Environment>
}

const backends: readonly Backend[] = [
  ...engines.map((engine) => ({
    name: engine.name,
    ...(engine.skip === undefined ? {} : { skip: engine.skip }),
    create: () => postgresEnvironment(engine),
  })),
  { name: 'Infisical', create: async () => (await infisicalEnvironment()).env },
]

async function secretOf(env: Environment, provider: string, ...flags: string[]): Promise<unknown> {
  const result = await commandLine(
    ['tokens', 'get', provider, '--reveal', '--yes', '--json', ...flags],
    { env },
  )
  if (result.code !== 0) return undefined
  return (result.json() as { credential: { secret: string } }).credential.secret
}

// PGlite starts anew for every command, which takes seconds on a busy machine.
describe.each(backends)('tokens on $name', { timeout: 120_000 }, ({ create, skip }) => {
  it.skipIf(skip !== undefined)('stores, shows, lists and removes a credential', async () => {
    const env = await create()
    const set = await commandLine(['tokens', 'set', 'coda', '--json'], { env, input: `${OLD}\n` })
    expect(set.stderr).not.toContain('error')
    expect(set.code).toBe(0)
    expect(set.json()).toMatchObject({ provider: 'coda', action: 'created', probed: false })

    const hidden = await commandLine(['tokens', 'get', 'coda'], { env })
    expect(hidden.stdout).toContain('secret: [hidden]')
    expect(await secretOf(env, 'coda')).toBe(OLD)
    expect((await commandLine(['tokens', 'get', 'coda', ...ANN], { env })).code).toBe(1)

    const list = await commandLine(['tokens', 'list', '--json'], { env })
    expect(list.json()).toMatchObject({
      credentials: [{ provider: 'coda', owner: { kind: 'service' } }],
    })
    const removed = await commandLine(['tokens', 'delete', 'coda', '--yes', '--json'], { env })
    expect(removed.json()).toMatchObject({ deleted: true })
    const again = await commandLine(['tokens', 'delete', 'coda', '--yes', '--json'], { env })
    expect([again.code, again.json()]).toMatchObject([0, { deleted: false }])
    expect((await commandLine(['tokens', 'get', 'coda'], { env })).code).toBe(1)
  })

  it.skipIf(skip !== undefined)('keeps users and namespaces apart', async () => {
    const env = await create()
    const other = ['--namespace', 'other']
    await commandLine(['tokens', 'set', 'coda', ...ANN], { env, input: OLD })
    await commandLine(['tokens', 'set', 'coda', ...ANN, ...other], { env, input: NEW })
    expect(await secretOf(env, 'coda', ...ANN)).toBe(OLD)
    expect(await secretOf(env, 'coda', ...ANN, ...other)).toBe(NEW)
    expect(await secretOf(env, 'coda')).toBeUndefined()
    const { stdout } = await commandLine(['tokens', 'list'], { env })
    expect(stdout).toMatch(/^coda {6}"ann" at "https:\/\/login\.example\.com"$/m)
  })

  it.skipIf(skip !== undefined)(
    'keeps the old value, goes back to it, and is repeatable',
    async () => {
      const env = await create()
      await commandLine(['tokens', 'set', 'coda'], { env, input: OLD })
      const keepOld = ['tokens', 'set', 'coda', '--keep-old', '--json']
      const replaced = await commandLine(keepOld, { env, input: NEW })
      expect(replaced.json()).toMatchObject({ action: 'replaced', keptAs: 'coda-previous' })
      // As after a run that was killed when it had written everything.
      const repeated = await commandLine(keepOld, { env, input: NEW })
      expect(repeated.json()).toMatchObject({ action: 'unchanged' })
      expect(await secretOf(env, 'coda-previous')).toBe(OLD)
      expect(await secretOf(env, 'coda')).toBe(NEW)

      const back = await commandLine(['tokens', 'set', 'coda', '--from-previous', '--yes'], { env })
      expect(back.code).toBe(0)
      expect(await secretOf(env, 'coda')).toBe(OLD)
    },
  )
})

const serverOrFake: Backend = backends.find(({ skip }) => skip === undefined) ?? {
  name: 'none',
  create: async () => ({}),
}

describe('tokens set', () => {
  it.each([
    ['a second argument', ['coda', OLD]],
    ['an assignment', [`coda=${OLD}`]],
    ['a value in place of the provider', ['1f0c3b9e-52a1-4c36-9f0e-2b7f1e6d4a55']],
    ['a long token in place of the provider', ['A'.repeat(60)]],
    ['--value', ['coda', '--value', OLD]],
    ['--token=', ['coda', `--token=${OLD}`]],
    ['--secret', ['coda', '--secret', OLD]],
  ])('P07 refuses %s on the command line and says why', async (_what, values) => {
    const { code, stderr } = await commandLine(['tokens', 'set', ...values])
    expect(code).toBe(2)
    expect(stderr).toContain('never taken from the command line')
    for (const value of values) {
      if (value !== 'coda' && !value.startsWith('--s') && value !== '--value') {
        expect(stderr).not.toContain(value)
      }
    }
  })

  it('reads a value from a hidden prompt', async () => {
    const env = await serverOrFake.create()
    const { code, stderr } = await commandLine(['tokens', 'set', 'coda'], {
      env,
      typed: [`${OLD}\r`],
    })
    expect(code).toBe(0)
    expect(stderr).toContain('Credential for coda (service)')
    expect(stderr).not.toContain(OLD)
    expect(await secretOf(env, 'coda')).toBe(OLD)
  })

  it('changes nothing when the prompt is left with Ctrl-C', async () => {
    const env = await serverOrFake.create()
    const { code } = await commandLine(['tokens', 'set', 'coda'], { env, typed: ['\u0003'] })
    expect(code).toBe(130)
    expect(await secretOf(env, 'coda')).toBeUndefined()
  })

  it.each([
    ['nothing', ''],
    ['line ends alone', '\n\n'],
    ['white space', '   '],
    ['an unresolved placeholder', `\${CODA_API_TOKEN}`],
    ['a masked value', 'abcd****'],
    ['a NUL', 'canary-\0-nul'],
    ['64 KiB and a byte', 'x'.repeat(65_537)],
  ])('refuses %s and stores nothing', async (_what, input) => {
    const env = await serverOrFake.create()
    const { code, stderr } = await commandLine(['tokens', 'set', 'coda'], { env, input })
    expect(code).toBe(1)
    expect(stderr).not.toContain('canary')
    expect(await secretOf(env, 'coda')).toBeUndefined()
  })

  it.each([
    ['one trailing line end', `${OLD}\n`, OLD],
    ['a Windows line end', `${OLD}\r\n`, OLD],
    ['lines inside', `${OLD}\n${NEW}\n`, `${OLD}\n${NEW}`],
    ['64 KiB', 'x'.repeat(65_536), 'x'.repeat(65_536)],
    ['quotes and an emoji', `"${OLD}' 🔑`, `"${OLD}' 🔑`],
  ])('takes %s from stdin', async (_what, input, stored) => {
    const env = await serverOrFake.create()
    expect((await commandLine(['tokens', 'set', 'coda'], { env, input })).code).toBe(0)
    expect(await secretOf(env, 'coda')).toBe(stored)
  })

  it('takes a whole credential as JSON, and no unknown member', async () => {
    const env = await serverOrFake.create()
    const argv = ['tokens', 'set', 'github', '--stdin', 'json']
    const input = JSON.stringify({
      kind: 'oauth2',
      secret: OLD,
      refreshToken: 'canary-refresh',
      expiresAt: 4_000_000_000,
      scopes: ['repo'],
      metadata: { account: 'ann' },
    })
    expect((await commandLine(argv, { env, input })).code).toBe(0)
    const shown = await commandLine(['tokens', 'get', 'github'], { env })
    expect(shown.stdout).toContain('refreshToken: [hidden]')
    expect(shown.stdout).toContain('expiresAt: 2096-10-02T07:06:40.000Z')
    expect(shown.stdout).not.toContain('canary')

    for (const bad of [`{"kind":"oauth2","sekret":"${NEW}"}`, `{"secret": ${NEW}`]) {
      const refused = await commandLine([...argv, '--yes'], { env, input: bad })
      expect(refused.code).toBe(1)
      expect(refused.stderr).not.toContain(NEW)
    }
    expect(await secretOf(env, 'github')).toBe(OLD)
  })

  it('loses an old value only with --yes, or after a confirmation', async () => {
    const env = await serverOrFake.create()
    await commandLine(['tokens', 'set', 'coda'], { env, input: OLD })
    const refused = await commandLine(['tokens', 'set', 'coda'], { env, input: NEW })
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('--keep-old')
    const declined = await commandLine(['tokens', 'set', 'coda'], {
      env,
      typed: [`${NEW}\r`, 'n'],
    })
    expect(declined.code).toBe(1)
    expect(await secretOf(env, 'coda')).toBe(OLD)
    const confirmed = await commandLine(['tokens', 'set', 'coda'], {
      env,
      typed: [`${NEW}\r`, 'y'],
    })
    expect(confirmed.code).toBe(0)
    expect(await secretOf(env, 'coda')).toBe(NEW)
  })

  it('says that nothing is kept when there is nothing to go back to', async () => {
    const env = await serverOrFake.create()
    const { code, stderr } = await commandLine(['tokens', 'set', 'coda', '--from-previous'], {
      env,
    })
    expect(code).toBe(1)
    expect(stderr).toContain('nothing is kept under coda-previous (service)')
  })

  it('refuses the env store before it reads a value', async () => {
    const env = { CODA_API_TOKEN: OLD }
    const { code, stderr } = await commandLine(['tokens', 'set', 'coda'], { env, input: NEW })
    expect(code).toBe(1)
    expect(stderr).toContain('read-only')
  })
})

describe('tokens get', () => {
  const env = { CODA_API_TOKEN: OLD }

  it('reveals into a pipe only with --yes, and to a terminal without', async () => {
    const piped = await commandLine(['tokens', 'get', 'coda', '--reveal'], { env })
    expect([piped.code, piped.stdout]).toEqual([2, ''])
    const allowed = await commandLine(['tokens', 'get', 'coda', '--reveal', '--yes'], { env })
    expect(allowed.stdout).toContain(`secret: ${OLD}`)
    const terminal = await commandLine(['tokens', 'get', 'coda', '--reveal'], { env, typed: [] })
    expect(terminal.stdout).toContain(`secret: ${OLD}`)
  })

  it('quotes a secret that could move the cursor', async () => {
    const { stdout } = await commandLine(['tokens', 'get', 'coda', '--reveal', '--yes'], {
      env: { CODA_API_TOKEN: 'canary\u001b[2J\nrest' },
    })
    expect(stdout).toContain('secret: "canary\\u001b[2J\\nrest"')
  })
})

describe('tokens delete', () => {
  it('asks, and refuses where nobody can be asked', async () => {
    const env = await serverOrFake.create()
    await commandLine(['tokens', 'set', 'coda'], { env, input: OLD })
    const unattended = await commandLine(['tokens', 'delete', 'coda'], { env })
    expect(unattended.code).toBe(2)
    expect(unattended.stderr).toContain('--yes')
    const declined = await commandLine(['tokens', 'delete', 'coda'], { env, typed: ['n'] })
    expect(declined.code).toBe(1)
    expect(await secretOf(env, 'coda')).toBe(OLD)
    const confirmed = await commandLine(['tokens', 'delete', 'coda'], { env, typed: ['y'] })
    expect(confirmed.code).toBe(0)
    expect(await secretOf(env, 'coda')).toBeUndefined()
  })

  it('stores over a tombstone again', async () => {
    const env = await serverOrFake.create()
    await commandLine(['tokens', 'set', 'coda'], { env, input: OLD })
    const deleted = await commandLine(['tokens', 'delete', 'coda', '--tombstone', '--yes'], { env })
    expect(deleted.code).toBe(0)
    expect((await commandLine(['tokens', 'set', 'coda'], { env, input: NEW })).code).toBe(0)
    expect(await secretOf(env, 'coda')).toBe(NEW)
  })
})
