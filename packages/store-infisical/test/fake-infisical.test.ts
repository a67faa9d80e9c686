import { createHmac } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import {
  type DocumentedAnswer,
  missingContractData,
  recordedRequests,
  serverContract,
} from './contract-data.js'
import { type FakeInfisical, startFakeInfisical } from './fake-infisical/index.js'

const PROJECT = '800f9a45-2ac4-4b5c-8ea0-ca368127fe65'
const RAW = '/api/v3/secrets/raw'
const NAME = 'CODA_API_TOKEN'
const LOGIN = '/api/v1/auth/universal-auth/login'

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

interface Call {
  readonly method?: string
  readonly path: string
  readonly query?: Record<string, string>
  readonly body?: Record<string, unknown>
  readonly token?: string | undefined
}

const fakes: FakeInfisical[] = []

async function start(options: Parameters<typeof startFakeInfisical>[0] = {}) {
  const fake = await startFakeInfisical({ projectId: PROJECT, environment: 'prod', ...options })
  fakes.push(fake)
  return fake
}

afterEach(async () => {
  for (const fake of fakes.splice(0)) await fake.close()
})

async function send(fake: FakeInfisical, call: Call): Promise<Answer> {
  const url = new URL(call.path, fake.siteUrl)
  for (const [name, value] of Object.entries(call.query ?? {})) url.searchParams.set(name, value)
  const response = await fetch(url, {
    method: call.method ?? 'GET',
    headers: {
      ...(call.token !== undefined && { authorization: `Bearer ${call.token}` }),
      ...(call.body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function logIn(fake: FakeInfisical, token?: string): Promise<Answer> {
  const { clientId, clientSecret } = fake
  return send(fake, { method: 'POST', path: LOGIN, body: { clientId, clientSecret }, token })
}

async function tokenOf(fake: FakeInfisical): Promise<string> {
  return String((await logIn(fake)).body.accessToken)
}

/** Describes a JSON value by its members and their types, without the values. */
function shapeOf(value: unknown): unknown {
  // What is null in an example is text in another; only its place is known.
  if (value === null || typeof value === 'string' || typeof value === 'number') return 'scalar'
  if (Array.isArray(value)) return value.length === 0 ? 'list' : [shapeOf(value[0])]
  if (typeof value !== 'object') return typeof value
  const members = Object.entries(value).map(([name, each]) => [name, shapeOf(each)] as const)
  return Object.fromEntries(members.sort(([one], [other]) => (one < other ? -1 : 1)))
}

/** Requests that belong to documented answers, by endpoint. */
const read = { workspaceId: PROJECT, environment: 'prod', secretPath: '/mcp/coda' }
const get: Call = { path: `${RAW}/${NAME}`, query: read }
const list: Call = { path: RAW, query: read }
const create: Call = { method: 'POST', path: `${RAW}/${NAME}`, body: { ...read, secretValue: 'v' } }
const update: Call = { ...create, method: 'PATCH' }
const remove: Call = { method: 'DELETE', path: `${RAW}/${NAME}`, body: read }
const folder: Call = {
  method: 'POST',
  path: '/api/v1/folders',
  body: { workspaceId: PROJECT, environment: 'prod', name: 'coda', path: '/mcp' },
}
const folders: Call = {
  path: '/api/v1/folders',
  query: { workspaceId: PROJECT, environment: 'prod', path: '/mcp' },
}

type Producer = (fake: FakeInfisical) => Promise<Answer>

const VALUE = 'v1.example-ciphertext'

function withFolder(call: Call): Producer {
  return async (fake) => {
    fake.project.vault.createFolder('/mcp', 'coda')
    return send(fake, { ...call, token: await tokenOf(fake) })
  }
}

function withSecret(
  call: Call,
  prepare: (fake: FakeInfisical) => void = () => undefined,
): Producer {
  return async (fake) => {
    fake.edit('/mcp/coda', NAME, VALUE)
    prepare(fake)
    return send(fake, { ...call, token: await tokenOf(fake) })
  }
}

function withoutFolder(call: Call): Producer {
  return async (fake) => send(fake, { ...call, token: await tokenOf(fake) })
}

function wrongLogin(fake: FakeInfisical, clientSecret = 'wrong'): Promise<Answer> {
  const body = { clientId: fake.clientId, clientSecret }
  return send(fake, { method: 'POST', path: LOGIN, body })
}

async function renewWith(fake: FakeInfisical, token: string): Promise<Answer> {
  return send(fake, {
    method: 'POST',
    path: '/api/v1/auth/token/renew',
    body: { accessToken: token },
  })
}

/** A token whose end lies in the past, signed as the fake signs. */
function expiredToken(fake: FakeInfisical): string {
  const payload = Buffer.from('{"identityAccessTokenId":"x","exp":1}').toString('base64url')
  const text = `${Buffer.from('{"alg":"HS256"}').toString('base64url')}.${payload}`
  const { signingKey } = fake.identities
  return `${text}.${createHmac('sha256', signingKey).update(text).digest('base64url')}`
}

function refusedLogin(message: string): Producer {
  return async (fake) => {
    fake.identities.loginRefusal = message
    return logIn(fake)
  }
}

function withFault(...[fault]: Parameters<FakeInfisical['faults']['next']>): Producer {
  return async (fake) => {
    const token = await tokenOf(fake)
    fake.faults.next(fault)
    return send(fake, { ...get, token })
  }
}

/** How each documented answer comes about. `undefined`: said why it is not produced. */
const PRODUCERS: Readonly<Record<string, Producer>> = {
  'login ok': (fake) => logIn(fake),
  'login: unknown clientId or wrong secret': (fake) => wrongLogin(fake),
  'login: locked out (default: 3 failures within 30 s lock for 300 s)': async (fake) => {
    for (let attempt = 0; attempt < 3; attempt++) await wrongLogin(fake)
    return logIn(fake)
  },
  'login: client secret TTL passed': refusedLogin('Access denied due to expired client secret'),
  'login: client secret use limit reached': refusedLogin(
    'Access denied due to client secret usage limit reached',
  ),
  'login: an expired or malformed JWT is sent in Authorization with the login (derived from the global onRequest hook)':
    (fake) => logIn(fake, expiredToken(fake)),

  'renew ok': async () => {
    // With the default life times every renewal deletes the token.
    const fake = await start({ tokenTtlSeconds: 60, tokenMaxTtlSeconds: 600 })
    return renewWith(fake, await tokenOf(fake))
  },
  'renew: now + TTL would pass createdAt + maxTTL: the token row is deleted, the old token is dead too':
    async () => {
      let time = Date.now()
      const fake = await start({ now: () => time, tokenTtlSeconds: 60, tokenMaxTtlSeconds: 60 })
      const token = await tokenOf(fake)
      time += 1000
      const answer = await renewWith(fake, token)
      expect((await send(fake, { ...get, token })).body.message).toBe(
        'No identity access token found',
      )
      return answer
    },
  'renew: JWT expired': (fake) => renewWith(fake, expiredToken(fake)),
  'renew: not an identity access token': (fake) => renewWith(fake, 'st.service-token'),
  'renew: revoked or unknown': async (fake) => {
    const token = await tokenOf(fake)
    fake.identities.revokeAll()
    return renewWith(fake, token)
  },

  'getSecret ok': withSecret(get),
  'getSecret: folder or environment missing (checked before secret permissions)':
    withoutFolder(get),
  'getSecret: no DescribeSecret permission, whether or not the secret exists': async (fake) => {
    fake.faults.deny('describe')
    return withFolder(get)(fake)
  },
  'getSecret: secret missing': withFolder(get),
  'getSecret: no ReadValue permission': withSecret(get, (fake) => fake.faults.deny('read-value')),
  'getSecret: environment missing from the query': withFolder({
    ...get,
    query: { workspaceId: PROJECT, secretPath: '/mcp/coda' },
  }),
  'getSecret: query fails the schema': withFolder({
    ...get,
    query: { ...read, viewSecretValue: 'maybe' },
  }),

  'listSecrets ok': withSecret(list),
  'listSecrets: folder or environment missing': withoutFolder(list),
  'listSecrets: project id or environment missing': withFolder({ ...list, query: {} }),

  'createSecret ok': withFolder(create),
  'createSecret alternative': async (fake) => {
    fake.faults.next('approval', 'createSecret')
    return withFolder(create)(fake)
  },
  'createSecret: exists': withSecret(create),
  'createSecret: folder missing (no automatic creation)': withoutFolder(create),
  'createSecret: name has ":" or "/"': withFolder({ ...create, path: `${RAW}/a%3Ab` }),
  'createSecret: secret detection policy': async (fake) => {
    fake.project.policyViolation = 'a policy forbids this value'
    return withFolder(create)(fake)
  },
  'createSecret: no Create permission': async (fake) => {
    fake.faults.deny('create')
    return withFolder(create)(fake)
  },

  'updateSecret ok': withSecret(update),
  'updateSecret alternative': withSecret(update, (fake) =>
    fake.faults.next('approval', 'updateSecret'),
  ),
  'updateSecret: secret missing': withFolder(update),
  'updateSecret: folder missing': withoutFolder(update),
  'updateSecret: new name taken': withSecret(
    { ...update, body: { ...read, newSecretName: 'TAKEN' } },
    (fake) => fake.edit('/mcp/coda', 'TAKEN', 'v'),
  ),

  'deleteSecret ok': withSecret(remove),
  'deleteSecret alternative': withSecret(remove, (fake) =>
    fake.faults.next('approval', 'deleteSecret'),
  ),
  'deleteSecret: missing': withFolder(remove),

  'createFolder ok': withoutFolder(folder),
  'createFolder: environment missing': async () => {
    const other = await start({ environment: 'dev' })
    return send(other, { ...folder, token: await tokenOf(other) })
  },
  'createFolder: bad name': withoutFolder({
    ...folder,
    body: { ...folder.body, name: 'a folder' },
  }),
  'listFolders ok': withFolder(folders),

  'generic: no Authorization header': (fake) => send(fake, get),
  'generic: JWT expired': (fake) => send(fake, { ...get, token: expiredToken(fake) }),
  'generic: JWT malformed': (fake) => send(fake, { ...get, token: 'a.b.c' }),
  'generic: JWT signed with another secret (for example after AUTH_SECRET changed)': async (
    fake,
  ) => {
    const token = await tokenOf(fake)
    fake.identities.signingKey = 'another'
    return send(fake, { ...get, token })
  },
  'generic: token revoked or deleted': async (fake) => {
    const token = await tokenOf(fake)
    fake.identities.revokeAll()
    return send(fake, { ...get, token })
  },
  'generic: rate limited (cloud)': withFault('rate-limit'),
  'generic: anything unexpected': withFault('server-error'),
}

// Neither can be told from its neighbours by anything that the store looks at.
const NOT_PRODUCED = [
  'login: lock contention while counting failures',
  'generic: token use limit reached',
  'generic: database failure',
]

function documented(): (readonly [name: string, answer: Omit<DocumentedAnswer, 'when'>])[] {
  const { endpoints, generic } = serverContract()
  return [
    ...endpoints.flatMap(({ id, ok, okAlternative, errors = [] }) => [
      [`${id} ok`, ok] as const,
      ...(okAlternative === undefined ? [] : [[`${id} alternative`, okAlternative] as const]),
      ...errors.map((each) => [`${id}: ${each.when}`, each] as const),
    ]),
    ...generic.map((each) => [`generic: ${each.when}`, each] as const),
  ]
}

if (missingContractData !== undefined) console.warn(`skipped: ${missingContractData}`)

describe.skipIf(missingContractData !== undefined)('the fake against the contract data', () => {
  it('knows how every documented answer comes about, and no other', () => {
    const names = documented().map(([name]) => name)
    expect([...Object.keys(PRODUCERS), ...NOT_PRODUCED].sort()).toEqual(names.sort())
  })

  for (const [name, expected] of documented()) {
    const produce = PRODUCERS[name]
    if (produce === undefined) continue
    it(`answers as documented: ${name}`, async () => {
      const { status, body } = await produce(await start())
      expect(status).toBe(expected.status)
      if ('approval' in expected.body) {
        expect(body).toHaveProperty('approval.id')
        expect(body).not.toHaveProperty('secret')
        return
      }
      expect(shapeOf(body)).toEqual(shapeOf(expected.body))
      expect(body.error).toBe(expected.body.error)
      const { message } = expected.body
      if (typeof message === 'string' && !message.startsWith('<')) {
        expect(body.message).toBe(message)
      }
      if (Array.isArray(message)) expect(body.message).toEqual(message)
    })
  }
})

const RECORDED = recordedRequests()
const ENDPOINT_CALLS = RECORDED.filter(({ call }) => !/^(?:environments|projects)\./.test(call))

describe.skipIf(missingContractData !== undefined)('the fake against recorded requests', () => {
  it('leaves out only what the store never calls', () => {
    const left = RECORDED.filter((each) => !ENDPOINT_CALLS.includes(each))
    expect(left.map(({ call }) => call)).toEqual([
      'environments.create',
      'projects.create',
      'projects.inviteMembers',
    ])
  })

  for (const { call, method, rawUrl, headers, body } of ENDPOINT_CALLS) {
    it(`accepts: ${call}`, async () => {
      const fake = await start({ projectId: 'proj-1', tags: ['t'], tokenTtlSeconds: 60 })
      fake.edit('/mcp/coda', 'CODA TOKEN/é:1', 'v')
      for (const value of ['1', '2']) fake.edit('/mcp/coda', 'CODA TOKEN/é:1', value)
      if (method !== 'POST') fake.edit('/mcp/coda', 'K', 'v')
      if (method !== 'POST') fake.edit('/', 'K', 'v')
      const token = await tokenOf(fake)
      const sent: Record<string, unknown> = { ...body }
      // What stands for the values of another server.
      if (sent.clientId !== undefined) sent.clientId = fake.clientId
      if (sent.clientSecret !== undefined) sent.clientSecret = fake.clientSecret
      if (sent.identityId !== undefined) sent.identityId = fake.identityId
      if (sent.accessToken !== undefined) sent.accessToken = token
      const answer = await send(fake, {
        method,
        path: rawUrl,
        token: headers.authorization === undefined ? undefined : token,
        ...(body !== null && { body: sent }),
      })
      if (call === 'secrets.getSecret before auth') {
        expect(answer.body.message).toBe('Token missing')
        return
      }
      expect(answer.status).toBe(200)
      const members = ['secret', 'secrets', 'folder', 'folders', 'accessToken']
      expect(members.some((member) => member in answer.body)).toBe(true)
    })
  }
})

describe('values of the fake', () => {
  it.each([
    ['outer white space', '  v  ', 'v'],
    ['trailing newlines, one kept', 'a\nb\n\n', 'a\nb\n'],
    ['inner newlines', 'a\n\nb', 'a\n\nb'],
    ['nothing', '', ''],
  ])('treats %s as the server does', async (_title, sent, stored) => {
    const fake = await start()
    await withFolder({ ...create, body: { ...create.body, secretValue: sent } })(fake)
    expect(fake.secrets()[0]?.value).toBe(stored)
  })

  it('expands references only when asked', async () => {
    const fake = await start()
    fake.edit('/mcp/coda', 'OTHER', 'resolved')
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the reference syntax of Infisical
    fake.edit('/mcp/coda', NAME, 'a ${OTHER}')
    const token = await tokenOf(fake)
    const query = { ...read, expandSecretReferences: 'true' }
    const expanded = await send(fake, { ...get, query, token })
    expect(expanded.body).toMatchObject({ secret: { secretValue: 'a resolved' } })
    const plain = await send(fake, { ...get, token })
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the reference syntax of Infisical
    expect(plain.body).toMatchObject({ secret: { secretValue: 'a ${OTHER}' } })
  })

  it('fails without a reason for a body over 1 MiB', async () => {
    const fake = await start()
    const body = { ...create.body, secretValue: 'v'.repeat(1024 * 1024) }
    expect((await withFolder({ ...create, body })(fake)).status).toBe(500)
    expect(fake.secrets()).toEqual([])
  })
})
