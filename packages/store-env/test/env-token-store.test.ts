// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are what is tested
import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CredentialAuditEvent, CredentialKey } from '@bestviable/mcp-auth-middleware'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type EnvTokenStoreOptions, envTokenStore, envVariableFor } from '../src/index.js'

function serviceKey(provider = 'coda'): CredentialKey {
  return { provider, owner: { kind: 'service' } }
}

function userKey(subject: string, issuer = 'https://issuer.example'): CredentialKey {
  return { provider: 'coda', owner: { kind: 'user', issuer, subject } }
}

async function listKeys(options: EnvTokenStoreOptions): Promise<CredentialKey[]> {
  const keys: CredentialKey[] = []
  for await (const key of envTokenStore(options).keys()) keys.push(key)
  return keys
}

function messageOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_CONFIGURATION' })
    return String(error)
  }
  throw new Error('nothing was refused')
}

afterEach(() => vi.unstubAllEnvs())

describe('service credentials', () => {
  it('reads CODA_API_TOKEN as provider coda', async () => {
    const store = envTokenStore({ env: { CODA_API_TOKEN: 'of the service' } })
    const found = await store.get(serviceKey())
    expect(found?.secret).toBe('of the service')
    expect(found?.kind).toBe('api-key')
    expect(await store.get(serviceKey('other'))).toBeUndefined()
    expect(await store.get(userKey('ann'))).toBeUndefined()
  })

  it('reads process.env by default', async () => {
    vi.stubEnv('CODA_API_TOKEN', 'of the process')
    expect((await envTokenStore().get(serviceKey()))?.secret).toBe('of the process')
  })

  it('X19 never reads variables that are not its own', async () => {
    const env = {
      PATH: '/bin',
      DATABASE_URL: 'postgres://canary',
      AWS_SECRET_ACCESS_KEY: 'canary',
      CODA_API_TOKENS: 'canary',
      XCODA_API_TOKEN_OLD: 'canary',
      API_TOKEN: 'canary',
    }
    const read: PropertyKey[] = []
    const store = envTokenStore({
      env: new Proxy(env, {
        get(target, name) {
          read.push(name)
          return Reflect.get(target, name)
        },
      }),
    })
    // Names of variables, and names whose derived variable would be near them.
    const providers = ['PATH', 'DATABASE_URL', 'AWS_SECRET_ACCESS_KEY', 'path', 'database-url']
    for (const provider of providers) {
      expect(await store.get(serviceKey(provider))).toBeUndefined()
    }
    await store.check()
    expect(await listKeys({ env })).toEqual([])
    expect(read.filter((name) => !/_API_TOKEN(?:_FILE)?$/.test(String(name)))).toEqual([])
  })

  it('X18 finds nothing under names that every object has', async () => {
    const store = envTokenStore({ env: {} })
    for (const provider of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      expect(await store.get(serviceKey(provider))).toBeUndefined()
    }
  })

  it('takes the variable that providers names, and no longer the derived one', async () => {
    const env = { GITHUB_PAT: 'pat', GITHUB_API_TOKEN: 'derived', CODA_API_TOKEN: 'coda' }
    const store = envTokenStore({
      env,
      providers: { github: 'GITHUB_PAT', My_API: 'CODA_API_TOKEN' },
    })
    expect((await store.get(serviceKey('github')))?.secret).toBe('pat')
    expect((await store.get(serviceKey('coda')))?.secret).toBe('coda')
    expect((await store.get(serviceKey('My_API')))?.secret).toBe('coda')
    expect(await store.get(serviceKey('my-api'))).toBeUndefined()
  })

  it('puts the prefix before derived names only', async () => {
    const env = { TEAM_CODA_API_TOKEN: 'team', CODA_API_TOKEN: 'other', PAT: 'pat' }
    const store = envTokenStore({ env, prefix: 'TEAM_', providers: { github: 'PAT' } })
    expect((await store.get(serviceKey()))?.secret).toBe('team')
    expect((await store.get(serviceKey('github')))?.secret).toBe('pat')
    const keys = await listKeys({ env, prefix: 'TEAM_', providers: { github: 'PAT' } })
    expect(keys.map(({ provider }) => provider).sort()).toEqual(['coda', 'github'])
  })

  it('derives the version of a value once, and again when the value has changed', async () => {
    const env: Record<string, string> = { CODA_API_TOKEN: 'first' }
    const store = envTokenStore({ env })
    const sign = vi.spyOn(crypto.subtle, 'sign')
    try {
      for (let count = 0; count < 3; count++) await store.get(serviceKey())
      expect(sign).toHaveBeenCalledTimes(1)
      env.CODA_API_TOKEN = 'second'
      expect((await store.get(serviceKey()))?.secret).toBe('second')
      expect(sign).toHaveBeenCalledTimes(2)
    } finally {
      sign.mockRestore()
    }
  })

  it('gives a changed value a new version, and an equal value of another process its own', async () => {
    const env = { CODA_API_TOKEN: 'first' }
    const store = envTokenStore({ env })
    const first = await store.get(serviceKey())
    expect((await store.get(serviceKey()))?.version).toBe(first?.version)
    env.CODA_API_TOKEN = 'second'
    const second = await store.get(serviceKey())
    expect(second?.secret).toBe('second')
    expect(second?.version).not.toBe(first?.version)
    vi.resetModules()
    const otherProcess = await import('../src/index.js')
    const again = await otherProcess.envTokenStore({ env }).get(serviceKey())
    expect(again?.version).not.toBe(second?.version)
  })

  it('records reads without values', async () => {
    const events: CredentialAuditEvent[] = []
    const store = envTokenStore({
      env: { CODA_API_TOKEN: 'canary' },
      namespace: 'team',
      audit: { record: (event) => void events.push(event) },
    })
    await store.get(serviceKey())
    await store.get(userKey('ann'))
    expect(events.map(({ operation, outcome }) => [operation, outcome])).toEqual([
      ['read', 'done'],
      ['read', 'absent'],
    ])
    expect(events[0]).toMatchObject({ store: 'env', namespace: 'team' })
    expect(JSON.stringify(events)).not.toContain('canary')
  })
})

describe('credentials of users', () => {
  it('reads the variable that envVariableFor() names, for this user only', async () => {
    const variable = `${await envVariableFor(userKey('bc', 'a'))}`
    expect(variable).toMatch(/^CODA_API_TOKEN__[0-9A-F]{16}$/)
    const store = envTokenStore({ env: { [variable]: "bc's", CODA_API_TOKEN: 'service' } })
    expect((await store.get(userKey('bc', 'a')))?.secret).toBe("bc's")
    expect(await store.get(userKey('c', 'ab'))).toBeUndefined()
    expect((await store.get(serviceKey()))?.secret).toBe('service')
  })

  it('lists users that are named, and refuses to list while others are set', async () => {
    const ann = { provider: 'coda', issuer: 'https://issuer.example', subject: 'ann' }
    const annVariable = `${await envVariableFor(userKey('ann'))}`
    const bobVariable = `${await envVariableFor(userKey('bob'))}`
    const env = { [annVariable]: "ann's", BOB: "bob's" }
    const users = [ann, { ...ann, subject: 'bob', variable: 'BOB' }, { ...ann, subject: 'eve' }]
    expect(await listKeys({ env, users })).toEqual([userKey('ann'), userKey('bob')])
    const unknown = listKeys({ env: { ...env, [bobVariable]: 'x' }, users: [ann] })
    await expect(unknown).rejects.toMatchObject({
      code: 'ERR_STORE_UNSUPPORTED',
      message: expect.stringContaining(bobVariable),
    })
  })
})

describe('envVariableFor()', () => {
  it.each([
    [serviceKey(), {}, 'CODA_API_TOKEN'],
    [serviceKey('my-api'), {}, 'MY_API_API_TOKEN'],
    [serviceKey(), { prefix: 'TEAM_' }, 'TEAM_CODA_API_TOKEN'],
    [serviceKey('github'), { providers: { github: 'GITHUB_PAT' } }, 'GITHUB_PAT'],
    [serviceKey('my_api'), {}, undefined],
    [serviceKey('MyApi'), {}, undefined],
    [serviceKey('my--api'), {}, undefined],
    [serviceKey('__proto__'), {}, undefined],
    [serviceKey('constructor'), { providers: {} }, 'CONSTRUCTOR_API_TOKEN'],
  ])('%j with %j is %s', async (key, naming, variable) => {
    expect(await envVariableFor(key, naming)).toBe(variable)
  })

  it('refuses a malformed key and malformed options', async () => {
    await expect(envVariableFor(serviceKey('a/b'))).rejects.toMatchObject({
      code: 'ERR_STORE_INVALID',
    })
    await expect(envVariableFor(serviceKey(), { prefix: 'team' })).rejects.toMatchObject({
      code: 'ERR_CONFIGURATION',
    })
  })
})

describe('start errors', () => {
  it.each([
    ['empty', '', 'is empty'],
    ['white space', ' \t', 'is only white space'],
    ['unresolved', '${CODA_API_TOKEN}', 'is an unresolved placeholder'],
    ['masked', '***', 'is a masked value'],
  ])('refuses a value that is %s, by the name of its variable', (_what, value, reason) => {
    expect(messageOf(() => envTokenStore({ env: { CODA_API_TOKEN: value } }))).toContain(
      `CODA_API_TOKEN: ${reason}`,
    )
    expect(messageOf(() => envTokenStore({ env: { CODA_API_TOKEN_FILE: value } }))).toContain(
      `CODA_API_TOKEN_FILE: ${reason}`,
    )
    const providers = { github: 'GITHUB_PAT' }
    const named = messageOf(() => envTokenStore({ env: { GITHUB_PAT: value }, providers }))
    expect(named).toContain(`GITHUB_PAT: ${reason}`)
  })

  it('refuses a variable beside its file variant', () => {
    const env = { CODA_API_TOKEN: 'canary-1', CODA_API_TOKEN_FILE: '/canary-2' }
    const message = messageOf(() => envTokenStore({ env }))
    expect(message).toContain('CODA_API_TOKEN: is set beside CODA_API_TOKEN_FILE')
    expect(message).not.toContain('canary')
  })

  it('refuses a binding that is no text', () => {
    expect(messageOf(() => envTokenStore({ env: { CODA_API_TOKEN: { get() {} } } }))).toContain(
      'CODA_API_TOKEN: must be a string',
    )
  })

  it('lists every problem at once', () => {
    const env = { A_API_TOKEN: '', B_API_TOKEN: '***', C_API_TOKEN: 'fine', OTHER: '' }
    expect(messageOf(() => envTokenStore({ env }))).toMatch(/A_API_TOKEN: .*\n.*B_API_TOKEN: /)
  })

  const ann = { provider: 'coda', issuer: 'https://issuer.example', subject: 'ann' }
  it.each([
    ['an unknown option', { provider: 'coda' }, 'provider: unknown'],
    ['a prefix in lower case', { prefix: 'team_' }, 'prefix: '],
    ['a provider that is no name', { providers: { 'a/b': 'X' } }, 'providers.a/b: '],
    ['a variable that is no name', { providers: { coda: 'A-B' } }, 'providers.coda: '],
    ['a variable with _FILE', { providers: { coda: 'A_FILE' } }, 'providers.coda: '],
    ['a user without subject', { users: [{ ...ann, subject: '' }] }, 'users.0: '],
    ['a user named twice', { users: [ann, ann] }, 'users.1: '],
    [
      'a user whose provider has no derived variable',
      { users: [{ ...ann, provider: 'My_API' }] },
      'users.0.variable: ',
    ],
    ['an unknown member of a user', { users: [{ ...ann, email: 'a' }] }, 'users.0.email: unknown'],
    ['a namespace that is a path', { namespace: '../x' }, 'namespace: '],
    ['a reader that is no function', { readFile: 'x' }, 'readFile: '],
  ])('refuses %s', (_what, options, path) => {
    expect(messageOf(() => envTokenStore({ env: {}, ...options } as never))).toContain(path)
  })

  it('refuses at use what has become unusable', async () => {
    const env: Record<string, string> = { CODA_API_TOKEN: 'fine' }
    const store = envTokenStore({ env })
    env.CODA_API_TOKEN = '***'
    const error = await store.get(serviceKey()).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ERR_STORE_INVALID' })
    expect(String(error)).toContain('CODA_API_TOKEN is a masked value')
    await expect(store.check()).rejects.toMatchObject({ code: 'ERR_CONFIGURATION' })
  })
})

describe('secret files', () => {
  let folder = ''
  let path = ''

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'store-env-'))
    path = join(folder, 'coda')
  })
  afterEach(() => rm(folder, { recursive: true }))

  it.each([
    ['a line end', 'secret\n', 'secret'],
    ['a Windows line end', 'secret\r\n', 'secret'],
    ['several line ends', 'secret\n\n', 'secret'],
    ['none', 'secret', 'secret'],
    ['a line end inside', 'first\nsecond\n', 'first\nsecond'],
    ['spaces', ' secret ', ' secret '],
    ['a byte order mark', '\ufeffsecret\n', 'secret'],
  ])('reads a file that ends with %s', async (_what, content, secret) => {
    await writeFile(path, content)
    const store = envTokenStore({ env: { CODA_API_TOKEN_FILE: path } })
    expect((await store.get(serviceKey()))?.secret).toBe(secret)
  })

  it('sees a rotated file after a second, also by a new symbolic link', async () => {
    let time = 1_700_000_000_000
    await writeFile(join(folder, 'one'), 'first\n')
    await writeFile(join(folder, 'two'), 'second\n')
    await symlink(join(folder, 'one'), path)
    const store = envTokenStore({ env: { CODA_API_TOKEN_FILE: path }, now: () => time })
    const first = await store.get(serviceKey())
    expect(first?.secret).toBe('first')
    await symlink(join(folder, 'two'), `${path}.new`)
    await rename(`${path}.new`, path)
    time += 999
    expect((await store.get(serviceKey()))?.secret).toBe('first')
    time += 1
    const second = await store.get(serviceKey())
    expect(second?.secret).toBe('second')
    expect(second?.version).not.toBe(first?.version)
    expect(second?.updatedAt).toBe(1_700_000_001)
  })

  it('is unavailable, by the name of the variable, while a file is missing', async () => {
    const store = envTokenStore({ env: { CODA_API_TOKEN_FILE: path } })
    const missing = expect.objectContaining({
      code: 'ERR_STORE_UNAVAILABLE',
      message: expect.stringContaining('CODA_API_TOKEN_FILE'),
    })
    await expect(store.get(serviceKey())).rejects.toEqual(missing)
    await expect(store.check()).rejects.toEqual(missing)
    await writeFile(path, 'secret')
    expect((await store.get(serviceKey()))?.secret).toBe('secret')
    await store.check()
  })

  it.each([
    ['nothing', '\n', 'is empty'],
    ['white space', '  \n', 'is only white space'],
    ['a placeholder', '${CODA_API_TOKEN}\n', 'is an unresolved placeholder'],
    ['a masked value', '****\n', 'is a masked value'],
  ])('refuses a file that holds %s', async (_what, content, reason) => {
    await writeFile(path, content)
    const store = envTokenStore({ env: { CODA_API_TOKEN_FILE: path } })
    await expect(store.get(serviceKey())).rejects.toMatchObject({
      code: 'ERR_STORE_INVALID',
      message: expect.stringContaining(`CODA_API_TOKEN_FILE names ${reason}`),
    })
  })

  it('is unavailable when a file is no UTF-8', async () => {
    await writeFile(path, Buffer.from([0x73, 0xff, 0xfe]))
    const store = envTokenStore({ env: { CODA_API_TOKEN_FILE: path } })
    await expect(store.get(serviceKey())).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  })

  it('opens no file at the start, and none for plain variables', async () => {
    const readFile = vi.fn(async () => 'from file')
    const env = { CODA_API_TOKEN: 'plain', OTHER_API_TOKEN_FILE: '/run/secrets/other' }
    const store = envTokenStore({ env, readFile })
    await store.get(serviceKey())
    expect(readFile).not.toHaveBeenCalled()
    expect((await store.get(serviceKey('other')))?.secret).toBe('from file')
    expect(readFile).toHaveBeenCalledTimes(1)
  })

  it('rejects with the reason of the signal that ends a slow read', async () => {
    const controller = new AbortController()
    const reason = new Error('left')
    const readFile = (_path: string, options: { readonly signal?: AbortSignal | undefined }) =>
      new Promise<string>((_resolve, reject) => {
        options.signal?.addEventListener('abort', () => reject(new Error('aborted')))
        controller.abort(reason)
      })
    const store = envTokenStore({ env: { CODA_API_TOKEN_FILE: '/slow' }, readFile })
    await expect(store.get(serviceKey(), { signal: controller.signal })).rejects.toBe(reason)
  })
})
