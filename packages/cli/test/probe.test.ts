import { describe, expect, it } from 'vitest'
import { commandLine } from './support/command-line.js'
import { type Environment, infisicalEnvironment } from './support/environments.js'
import { type FakeCoda, startFakeCoda } from './support/fake-coda.js'

const OLD = 'canary-working-token-31'
const NEW = 'canary-next-token-32'
const fetchOfProcess = globalThis.fetch

async function prepare(): Promise<{ readonly coda: FakeCoda; readonly env: Environment }> {
  const coda = await startFakeCoda(OLD)
  const { env: store } = await infisicalEnvironment()
  const env = { ...store, CODA_API_BASE_URL: coda.baseUrl }
  const argv = ['tokens', 'set', 'coda', '--probe']
  const { code } = await commandLine(argv, { env, input: OLD, fetch: fetchOfProcess })
  expect(code).toBe(0)
  return { coda, env }
}

async function stored(env: Environment): Promise<string> {
  return (await commandLine(['tokens', 'get', 'coda', '--reveal', '--yes'], { env })).stdout
}

const replace = ['tokens', 'set', 'coda', '--probe', '--keep-old']
describe('tokens set --probe', { timeout: 60_000 }, () => {
  it('stores what the upstream API accepts, asked with the new value alone', async () => {
    const { coda, env } = await prepare()
    coda.tokens.add(NEW)
    const { code } = await commandLine(replace, { env, input: NEW, fetch: fetchOfProcess })
    expect(code).toBe(0)
    expect(coda.seen.at(-1)).toBe(`/apis/v1/whoami Bearer ${NEW}`)
    expect(await stored(env)).toContain(NEW)
  })

  it.each([
    ['a refusal', 'normal', 1, 'was not accepted'],
    ['an outage', 'unavailable', 4, 'nothing is known about the new credential'],
    ['a page of HTML', 'html', 3, 'check its address'],
    ['a redirect', 'redirect', 3, 'answers 302'],
    ['a wrong address', 'not-found', 3, 'answers 404'],
  ] as const)('leaves the old credential in place after %s', async (_what, mode, exit, message) => {
    const { coda, env } = await prepare()
    coda.mode = mode
    const asked = coda.seen.length
    const { code, stderr } = await commandLine(replace, { env, input: NEW, fetch: fetchOfProcess })
    expect(code).toBe(exit)
    expect(stderr).toContain(message)
    expect(stderr).toContain('the old credential is in place')
    expect(stderr).not.toContain(NEW)
    // A redirect is not followed: the value would go to somebody else.
    expect(coda.seen.length).toBe(asked + 1)
    expect(await stored(env)).toContain(OLD)
    const kept = await commandLine(['tokens', 'get', 'coda-previous'], { env })
    expect(kept.code).toBe(1)
  })

  it('P07 does not repeat the error of a fetch, which may quote the value', async () => {
    const { env } = await prepare()
    const failing = () => Promise.reject(new TypeError(`cannot send Bearer ${NEW}`))
    const { code, stderr } = await commandLine([...replace, '--debug'], {
      env,
      input: NEW,
      fetch: failing,
    })
    expect(code).toBe(4)
    expect(stderr).not.toContain(NEW)
  })

  it('refuses a value that no header can carry without asking', async () => {
    const { coda, env } = await prepare()
    const asked = coda.seen.length
    const input = `${NEW}\nX-Injected: 1`
    const { code, stderr } = await commandLine(replace, { env, input, fetch: fetchOfProcess })
    expect(code).toBe(1)
    expect(stderr).toContain('no HTTP header can carry')
    expect(coda.seen.length).toBe(asked)
  })

  it('asks another address with --probe-url, where 2xx passes', async () => {
    const { coda, env } = await prepare()
    const url = `${coda.baseUrl}/user`
    const argv = ['tokens', 'set', 'github', '--probe-url', url]
    const refused = await commandLine(argv, { env, input: NEW, fetch: fetchOfProcess })
    expect(refused.code).toBe(1)
    coda.tokens.add(NEW)
    const accepted = await commandLine(argv, { env, input: NEW, fetch: fetchOfProcess })
    expect(accepted.code).toBe(0)
    expect(coda.seen.at(-1)).toBe(`/apis/v1/user Bearer ${NEW}`)
  })

  it.each([
    ['a provider without a probe', ['github', '--probe'], '--probe-url'],
    ['a plain http address', ['coda', '--probe-url', 'http://coda.example.com/'], 'https'],
    ['an address with a password', ['coda', '--probe-url', 'https://a:canary@b.example/'], 'https'],
  ])('refuses %s', async (_what, argv, message) => {
    const { env } = await infisicalEnvironment()
    const { code, stderr } = await commandLine(['tokens', 'set', ...argv], { env, input: NEW })
    expect(code).toBe(2)
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('canary')
  })
})
