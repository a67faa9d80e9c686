import { describe, expect, it } from 'vitest'
import { secretOf, serverOrFake } from './support/backends.js'
import { commandLine } from './support/command-line.js'
import { infisicalEnvironment } from './support/environments.js'

const OLD = 'canary-old-token-71c0'
const NEW = 'canary-new-token-88fe'

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

  it.skipIf(serverOrFake.name === 'Infisical')(
    'replaces by compare-and-set: what somebody else wrote meanwhile stays',
    async () => {
      const env = await serverOrFake.create()
      await commandLine(['tokens', 'set', 'coda'], { env, input: OLD })
      const third = 'canary-third-token-90'
      // While the upstream API is asked, the credential is replaced behind the back of this command.
      const answer = async () => {
        await commandLine(['tokens', 'set', 'coda', '--yes'], { env, input: third })
        return Response.json({ loginId: 'ann@example.com' })
      }
      const argv = ['tokens', 'set', 'coda', '--probe', '--keep-old']
      const { code, stderr } = await commandLine(argv, { env, input: NEW, fetch: answer })
      expect(code).toBe(1)
      expect(stderr).toContain('somebody else changed the credential meanwhile')
      expect(stderr).not.toContain('canary')
      expect(await secretOf(env, 'coda')).toBe(third)
    },
  )

  it('warns where a store cannot compare before it writes', async () => {
    const { env } = await infisicalEnvironment()
    const argv = ['tokens', 'set', 'coda', '--keep-old']
    const created = await commandLine(argv, { env, input: OLD })
    expect(created.stderr).not.toContain('warning')
    const replaced = await commandLine(argv, { env, input: NEW })
    expect(replaced.stderr).toBe(
      'warning: the infisical store cannot compare before it writes: the last writer wins\n',
    )
  })

  it('stores nothing when it was interrupted before it read the value', async () => {
    const env = await serverOrFake.create()
    const interruption = new AbortController()
    interruption.abort()
    const { code } = await commandLine(['tokens', 'set', 'coda'], {
      env,
      input: OLD,
      signal: interruption.signal,
    })
    expect(code).toBe(130)
    expect(await secretOf(env, 'coda')).toBeUndefined()
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
