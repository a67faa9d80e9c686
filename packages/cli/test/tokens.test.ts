import { describe, expect, it } from 'vitest'
import { isLongForm } from '../../../test/security/support/long-form.js'
import { backends, secretOf, serverOrFake } from './support/backends.js'
import { commandLine } from './support/command-line.js'
import { someServer } from './support/environments.js'

const OLD = 'canary-old-token-71c0'
const NEW = 'canary-new-token-88fe'
const ANN = ['--issuer', 'https://login.example.com', '--subject', 'ann']

// PGlite starts anew for every command, which takes seconds on a busy machine. By day one test has it, where
// PostgreSQL runs the others.
const isSampled = !isLongForm && someServer !== undefined
const byDay = backends.filter(({ isSlow }) => !(isSampled && isSlow))

describe.each(byDay)('tokens on $name', { timeout: 120_000 }, ({ create, skip }) => {
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

describe.each(backends)('tokens on $name', { timeout: 120_000 }, ({ create, skip }) => {
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
