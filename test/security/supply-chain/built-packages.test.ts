import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { publishedPackages } from './manifests.js'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const packages = publishedPackages()
const entries = packages.flatMap(({ manifest }) =>
  Object.keys(manifest.exports ?? {})
    .filter((subpath) => subpath !== './package.json')
    .map((subpath) => manifest.name + subpath.slice(1)),
)
const INTERNALS = packages.flatMap(({ manifest: { name } }) => [
  `${name}/dist/index.js`,
  `${name}/dist/main.js`,
  `${name}/src/index.ts`,
  `${name}/internal`,
])

/** Runs a module in a process of its own, at the root, and returns what it printed. */
async function run(script: string, ...nodeOptions: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...nodeOptions, '--input-type=module', '--eval', script],
    { cwd: ROOT, env: { PATH: process.env.PATH }, timeout: 60_000 },
  )
  return stdout.trim()
}

describe('P17 the entry points of the packages', () => {
  it('P17 are all that can be imported', async () => {
    const printed = await run(`
      const codes = {}
      for (const name of ${JSON.stringify(INTERNALS)}) {
        codes[name] = await import(name).then(() => 'imported', ({ code }) => code)
      }
      console.log(JSON.stringify(codes))`)
    const codes = new Map(Object.entries(JSON.parse(printed)))
    expect(codes.size).toBe(INTERNALS.length)
    for (const [name, code] of codes) expect(code, name).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })

  it('P01 P17 change no prototype when they are loaded', async () => {
    const printed = await run(`
      const prototypes = [Object, Array, Function, String, Promise, RegExp, Map, Error]
        .map((each) => each.prototype)
      const keys = () => prototypes.map((each) => Reflect.ownKeys(each).map(String))
      const before = JSON.stringify(keys())
      for (const name of ${JSON.stringify(entries)}) await import(name)
      console.log(JSON.stringify(keys()) === before)`)
    expect(printed).toBe('true')
  })

  // Guards a request with the intrinsics frozen: nothing of ours, or of what it loads, patches them.
  it('P17 P01 load, and guard a request, with frozen intrinsics', async () => {
    const core = entries.filter((name) => name.startsWith('@bestviable/mcp-auth-middleware'))
    expect(core.length).toBeGreaterThan(3)
    const printed = await run(
      `for (const name of ${JSON.stringify(core)}) await import(name)
      const { createMcpAuth, generateBearerToken, localBearer } =
        await import('@bestviable/mcp-auth-middleware')
      const { token, digest } = await generateBearerToken()
      const resource = 'https://mcp.test/mcp'
      const auth = createMcpAuth({
        resource,
        validators: [localBearer({ ci: { digest } })],
        onEvent: () => undefined,
      })
      const handler = () => new Response('handled')
      for (const authorization of ['Bearer ' + token, 'Bearer unknown', '']) {
        const headers = authorization === '' ? {} : { authorization }
        const { status } = await auth.fetch(new Request(resource, { headers }), handler)
        console.log(status)
      }
      try { Object.prototype.polluted = true } catch {}
      console.log({}.polluted)`,
      '--frozen-intrinsics',
      '--no-warnings',
    )
    expect(printed.split('\n')).toEqual(['200', '401', '401', 'undefined'])
  })
})

describe('P17 a global fetch that somebody replaced', () => {
  let lines: readonly string[] = []

  beforeAll(async () => {
    const printed = await run(`
      import { createMcpAuth, jwt } from '@bestviable/mcp-auth-middleware'
      import { createTestIssuer } from '@bestviable/mcp-auth-middleware/testing'
      const resource = 'https://mcp.test/mcp'
      const [issuer, attacker] = [1, 2].map(() => createTestIssuer({ audience: resource, algorithm: 'ES256' }))
      await issuer.listen()
      await attacker.listen()
      const real = globalThis.fetch
      const ask = async (token, options) => {
        const { issuer: name, jwksUri } = issuer
        const auth = createMcpAuth({
          resource,
          validators: [jwt({ issuer: name, jwksUri, ...options })],
          onEvent: () => undefined,
        })
        const headers = { authorization: 'Bearer ' + token }
        return (await auth.fetch(new Request(resource, { headers }), () => new Response())).status
      }
      const good = await issuer.token()
      const forged = await attacker.token({ iss: issuer.issuer })
      console.log('as it is', await ask(good), await ask(forged))
      globalThis.fetch = async () => { throw new Error('patched') }
      console.log('throws', await ask(good))
      console.log('own fetch', await ask(good, { fetch: real }))
      globalThis.fetch = async () => ({ ok: true })
      console.log('nonsense', await ask(good))
      globalThis.fetch = () => real(attacker.jwksUri)
      console.log('keys of another', await ask(good), await ask(forged, { fetch: real }))
      await issuer.close()
      await attacker.close()`)
    lines = printed.split('\n')
  })

  it('P17 is an outage when it fails, and never a bad token', () => {
    expect(lines).toContain('as it is 200 401')
    expect(lines).toContain('throws 503')
    expect(lines).toContain('nonsense 503')
  })

  it('P17 is not used where the option `fetch` is set', () => {
    expect(lines).toContain('own fetch 200')
    expect(lines).toContain('keys of another 401 401')
  })
})
