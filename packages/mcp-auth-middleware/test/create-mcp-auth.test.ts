import { describe, expect, it } from 'vitest'
import { createMcpAuth } from '../src/create-mcp-auth.js'
import { dpop } from '../src/dpop.js'
import { type ConfigurationError, isAuthError } from '../src/errors.js'
import { guard, mcpAuth } from '../src/express.js'
import { type McpAuthOptions, McpAuthOptionsSchema } from '../src/mcp-auth-options.js'
import { validatorOf } from './resource-server/fakes.js'

const MIB = 1024 * 1024
const A = 'https://a.test/mcp'
const B = 'https://b.test/mcp'
const GOOD = { resource: 'https://mcp.test/mcp', validators: [validatorOf()] }

/** Paths of the one error that these options must cause; empty when they are accepted. */
function refusedPaths(create: () => unknown): string[] {
  try {
    create()
    return []
  } catch (error) {
    if (!isAuthError(error) || error.code !== 'ERR_CONFIGURATION') throw error
    const { problems, message } = error as ConfigurationError
    for (const { path } of problems) expect(message).toContain(`  ${path}: `)
    return problems.map(({ path }) => path)
  }
}

/** Options that nobody type-checked. */
const pathsOf = (options: unknown): string[] =>
  refusedPaths(() => createMcpAuth(options as McpAuthOptions))

interface Case {
  /** Changed members of otherwise good options. */
  readonly bad: readonly [title: string, options: Record<string, unknown>, ...paths: string[]][]
  /** The nearest accepted neighbours. */
  readonly good: readonly Record<string, unknown>[]
}

const named = (name: string, issuer: string) =>
  validatorOf(undefined, { name, selects: { issuers: [issuer] }, authorizationServers: [issuer] })
const FIRST = 'https://first.test'
const SECOND = 'https://second.test'
const two = [named('first', FIRST), named('second', SECOND)]
const scopeless = validatorOf(undefined, { scopeSource: 'none' })
const several = { resource: undefined, resources: { [A]: {}, [B]: {} } }
const inA = (options: object) => ({ resource: undefined, resources: { [A]: options } })
const atA = (name: string) => `resources["${A}"].${name}`

const CASES: Record<keyof typeof McpAuthOptionsSchema.shape, Case> = {
  resource: {
    bad: [
      ['P18 missing', { resource: undefined }, 'resource'],
      ['P18 empty', { resource: '' }, 'resource'],
      ['P18 null', { resource: null }, 'resource'],
      ['a URL object', { resource: new URL(A) }, 'resource'],
      ['a path', { resource: '/mcp' }, 'resource'],
      ['http on a public host', { resource: 'http://mcp.test/mcp' }, 'resource'],
      ['http on a name that only looks local', { resource: 'http://localhost.test' }, 'resource'],
      ['another protocol', { resource: 'ftp://mcp.test' }, 'resource'],
      ['a trailing slash', { resource: 'https://mcp.test/mcp/' }, 'resource'],
      ['a slash for no path', { resource: 'https://mcp.test/' }, 'resource'],
      ['a default port', { resource: 'https://mcp.test:443/mcp' }, 'resource'],
      ['upper case', { resource: 'https://MCP.test/mcp' }, 'resource'],
      ['dot segments', { resource: 'https://mcp.test/a/../mcp' }, 'resource'],
      ['a blank', { resource: ' https://mcp.test/mcp' }, 'resource'],
      ['a fragment', { resource: 'https://mcp.test/mcp#' }, 'resource'],
      ['a query', { resource: 'https://mcp.test/mcp?a' }, 'resource'],
      ['a password', { resource: 'https://u:p@mcp.test/mcp' }, 'resource'],
      ['a place beside resources', { resources: { [A]: {} } }, 'resource'],
    ],
    good: [
      { resource: 'https://mcp.test' },
      { resource: 'http://127.0.0.1:3000/mcp' },
      { resource: 'http://localhost' },
      { resource: 'http://[::1]:3000' },
    ],
  },
  localPath: {
    bad: [
      ['empty', { localPath: '' }, 'localPath'],
      ['a number', { localPath: 1 }, 'localPath'],
      ['no slash in front', { localPath: 'mcp' }, 'localPath'],
      ['a trailing slash', { localPath: '/mcp/' }, 'localPath'],
      ['a query', { localPath: '/mcp?x' }, 'localPath'],
      ['an encoded character', { localPath: '/%6dcp' }, 'localPath'],
      ['a double slash', { localPath: '//mcp' }, 'localPath'],
      ['a place beside resources', { ...several, localPath: '/mcp' }, 'localPath'],
    ],
    good: [{ localPath: '/' }, { localPath: '/internal/mcp' }],
  },
  resources: {
    bad: [
      ['empty', { resource: undefined, resources: {} }, 'resources'],
      ['a list', { resource: undefined, resources: [A] }, 'resources'],
      [
        'an entry that is true',
        { resource: undefined, resources: { [A]: true } },
        `resources["${A}"]`,
      ],
      ['an unknown option', inA({ path: '/x' }), atA('path')],
      ['a bad URL', { resource: undefined, resources: { 'b.test': {} } }, 'resources["b.test"]'],
      ['a bad local path', inA({ localPath: 'x' }), atA('localPath')],
      ['a bad scope', inA({ scopes: { required: ['a b'] } }), `${atA('scopes.required')}[0]`],
      ['a bad supported scope', inA({ scopesSupported: ['a b'] }), `${atA('scopesSupported')}[0]`],
      [
        'an issuer that no validator knows',
        inA({ authorizationServers: ['https://other.test'] }),
        `${atA('authorizationServers')}[0]`,
      ],
      ['a documentation that is no URL', inA({ documentation: 'docs' }), atA('documentation')],
      ['a name that is a number', inA({ name: 1 }), atA('name')],
      [
        'two that arrive at the same place',
        {
          resource: undefined,
          resources: { [A]: {}, 'https://a.test/x/mcp': { localPath: '/mcp' } },
        },
        'resources["https://a.test/x/mcp"]',
      ],
    ],
    good: [
      several,
      { resource: undefined, resources: { [A]: {}, 'https://a.test/x': {} } },
      inA({ localPath: '/', scopes: { required: ['a'] }, name: 'A', documentation: A }),
    ],
  },
  rootMetadata: {
    bad: [
      ['a single resource', { rootMetadata: 'https://mcp.test/mcp' }, 'rootMetadata'],
      ['an unknown resource', { ...several, rootMetadata: 'https://c.test' }, 'rootMetadata'],
      ['a member of the prototype', { ...several, rootMetadata: 'toString' }, 'rootMetadata'],
      ['a number', { ...several, rootMetadata: 1 }, 'rootMetadata'],
    ],
    good: [{ ...several, rootMetadata: B }],
  },
  validators: {
    bad: [
      ['P18 missing', { validators: undefined }, 'validators'],
      ['P18 empty', { validators: [] }, 'validators'],
      ['P18 null', { validators: null }, 'validators'],
      ['one that is not in a list', { validators: validatorOf() }, 'validators'],
      ['a function', { validators: [validatorOf] }, 'validators[0]'],
      ['null in the list', { validators: [validatorOf(), null] }, 'validators[1]'],
      [
        'one without validate',
        { validators: [{ ...validatorOf(), validate: 1 }] },
        'validators[0]',
      ],
      [
        'one without selects',
        { validators: [{ ...validatorOf(), selects: null }] },
        'validators[0]',
      ],
      [
        'one with another scopeSource',
        { validators: [{ ...validatorOf(), scopeSource: 'all' }] },
        'validators[0]',
      ],
      [
        'one without authorizationServers',
        { validators: [{ ...validatorOf(), authorizationServers: undefined }] },
        'validators[0]',
      ],
      [
        'one whose issuers are a text',
        { validators: [validatorOf(undefined, { selects: { issuers: A as never } })] },
        'validators[0]',
      ],
      [
        'one whose hasDigest is no function',
        { validators: [validatorOf(undefined, { selects: { hasDigest: true as never } })] },
        'validators[0]',
      ],
      [
        'one with another resourceBinding',
        { validators: [validatorOf(undefined, { resourceBinding: 'all' as never })] },
        'validators[0]',
      ],
      [
        'one that selects nothing',
        { validators: [validatorOf(undefined, { selects: {} })] },
        'validators[0].selects',
      ],
      ['the same issuer twice', { validators: [two[0], two[0]] }, 'validators[1]'],
      ['two opaque ones', { validators: [validatorOf(), validatorOf()] }, 'validators[1]'],
    ],
    good: [{ validators: [two[0], validatorOf(undefined, { authorizationServers: [] })] }],
  },
  authorizationServers: {
    bad: [
      ['missing beside several issuers', { validators: two }, 'authorizationServers'],
      ['empty', { authorizationServers: [] }, 'authorizationServers'],
      ['an empty entry', { authorizationServers: [''] }, 'authorizationServers[0]'],
      ['a text', { authorizationServers: FIRST }, 'authorizationServers'],
      [
        'an issuer that no validator knows',
        { validators: two, authorizationServers: [FIRST, 'https://third.test'] },
        'authorizationServers[1]',
      ],
      [
        'an issuer with a slash more',
        { validators: two, authorizationServers: [`${FIRST}/`] },
        'authorizationServers[0]',
      ],
      [
        'http on a public host',
        { authorizationServers: ['http://as.test'] },
        'authorizationServers[0]',
      ],
      ['a query', { authorizationServers: ['https://as.test?x'] }, 'authorizationServers[0]'],
      ['a password', { authorizationServers: ['https://u:p@as.test'] }, 'authorizationServers[0]'],
      ['no URL', { authorizationServers: ['as.test'] }, 'authorizationServers[0]'],
    ],
    good: [
      { validators: two, authorizationServers: [SECOND, FIRST] },
      { validators: two, authorizationServers: [SECOND] },
      { authorizationServers: ['https://as.test'] },
      {
        validators: [validatorOf(undefined, { authorizationServers: [] })],
        authorizationServers: ['https://gateway.test/tenant'],
      },
    ],
  },
  allow: {
    bad: [
      ['empty', { allow: {} }, 'allow'],
      [
        'only empty lists',
        { allow: { emails: [], domains: [], tenants: [], subjects: [] } },
        'allow',
      ],
      ['a list', { allow: ['ann@corp.test'] }, 'allow'],
      ['an unknown list', { allow: { email: ['ann@corp.test'] } }, 'allow.email'],
      ['a text for a list', { allow: { emails: 'ann@corp.test' } }, 'allow.emails'],
      ['a variable that was not set', { allow: { emails: [undefined] } }, 'allow.emails[0]'],
      ['an empty address', { allow: { emails: [''] } }, 'allow.emails[0]'],
      ['no address', { allow: { emails: ['ann'] } }, 'allow.emails[0]'],
      ['a wildcard domain', { allow: { domains: ['*.corp.test'] } }, 'allow.domains[0]'],
      ['an empty tenant', { allow: { tenants: [''] } }, 'allow.tenants[0]'],
      [
        'an identity without an issuer',
        { allow: { subjects: [{ subject: 'x' }] } },
        'allow.subjects[0].issuer',
      ],
    ],
    good: [
      { allow: { emails: ['ann@corp.test'], domains: ['corp.test'] } },
      { allow: { subjects: [{ issuer: FIRST, subject: 'bot' }] } },
    ],
  },
  scopes: {
    bad: [
      ['a list', { scopes: ['read'] }, 'scopes'],
      ['an unknown table', { scopes: { tool: {} } }, 'scopes.tool'],
      ['a text for a list', { scopes: { required: 'read' } }, 'scopes.required'],
      ['an empty scope', { scopes: { required: [''] } }, 'scopes.required[0]'],
      ['two scopes in one', { scopes: { required: ['a b'] } }, 'scopes.required[0]'],
      ['offline_access', { scopes: { required: ['offline_access'] } }, 'scopes.required[0]'],
      ['tools without otherTools', { scopes: { tools: { a: [] } } }, 'scopes.otherTools'],
      ['resources without otherResources', { scopes: { resources: {} } }, 'scopes.otherResources'],
      ['prompts without otherPrompts', { scopes: { prompts: {} } }, 'scopes.otherPrompts'],
      [
        'a validator that yields none',
        { scopes: { required: ['read'] }, validators: [scopeless] },
        'validators[0]',
      ],
      [
        'a validator that yields none, for one tool',
        { scopes: { tools: { a: ['x'] }, otherTools: [] }, validators: [scopeless] },
        'validators[0]',
      ],
    ],
    good: [
      { scopes: {} },
      { scopes: { tools: { 'a_*': ['x'] }, otherTools: [], implies: { x: ['y'] } } },
      { scopes: { tools: { a: [] }, otherTools: [] }, validators: [scopeless] },
    ],
  },
  scopesSupported: {
    bad: [
      ['a text', { scopesSupported: 'read' }, 'scopesSupported'],
      ['two scopes in one', { scopesSupported: ['a b'] }, 'scopesSupported[0]'],
      ['RS-7 offline_access', { scopesSupported: ['offline_access'] }, 'scopesSupported[0]'],
    ],
    good: [{ scopesSupported: ['read'] }, { scopesSupported: [] }],
  },
  publicPaths: {
    bad: [
      ['a text', { publicPaths: '/health' }, 'publicPaths'],
      ['no slash in front', { publicPaths: ['health'] }, 'publicPaths[0]'],
      ['empty', { publicPaths: [''] }, 'publicPaths[0]'],
      ['a query', { publicPaths: ['/health?x'] }, 'publicPaths[0]'],
      ['a pattern', { publicPaths: [/health/] }, 'publicPaths[0]'],
      ['the resource itself', { publicPaths: ['/health', '/mcp'] }, 'publicPaths[1]'],
      ['its local path', { localPath: '/', publicPaths: ['/'] }, 'publicPaths[0]'],
      ['one of several resources', { ...several, publicPaths: ['/mcp'] }, 'publicPaths[0]'],
    ],
    good: [{ publicPaths: ['/', '/health'] }, { publicPaths: [] }],
  },
  allowedOrigins: {
    bad: [
      ['a text', { allowedOrigins: 'https://app.test' }, 'allowedOrigins'],
      ['true', { allowedOrigins: true }, 'allowedOrigins'],
      ['a wildcard', { allowedOrigins: ['*'] }, 'allowedOrigins[0]'],
      ['a slash at the end', { allowedOrigins: ['https://app.test/'] }, 'allowedOrigins[0]'],
      ['null as a text', { allowedOrigins: ['null'] }, 'allowedOrigins[0]'],
    ],
    good: [{ allowedOrigins: [] }, { allowedOrigins: ['https://app.test', 'http://localhost:1'] }],
  },
  allowedHosts: {
    bad: [
      ['a text', { allowedHosts: 'mcp.test' }, 'allowedHosts'],
      ['a URL', { allowedHosts: ['https://mcp.test'] }, 'allowedHosts[0]'],
      ['a path', { allowedHosts: ['mcp.test/x'] }, 'allowedHosts[0]'],
      ['a wildcard', { allowedHosts: ['*.mcp.test'] }, 'allowedHosts[0]'],
    ],
    good: [{ allowedHosts: ['mcp.test', 'mcp.test:8443', '[::1]:3000'] }],
  },
  resourceName: {
    bad: [
      ['a number', { resourceName: 1 }, 'resourceName'],
      ['a place beside resources', { ...several, resourceName: 'x' }, 'resourceName'],
    ],
    good: [{ resourceName: 'Coda' }],
  },
  resourceDocumentation: {
    bad: [
      ['a URL object', { resourceDocumentation: new URL(A) }, 'resourceDocumentation'],
      ['no URL', { resourceDocumentation: '/docs' }, 'resourceDocumentation'],
      ['no host', { resourceDocumentation: 'https://' }, 'resourceDocumentation'],
      ['a script', { resourceDocumentation: 'javascript:alert(1)' }, 'resourceDocumentation'],
      [
        'a place beside resources',
        { ...several, resourceDocumentation: A },
        'resourceDocumentation',
      ],
    ],
    good: [{ resourceDocumentation: 'https://docs.test/' }],
  },
  challenge: {
    bad: [
      ['a text', { challenge: 'MCP' }, 'challenge'],
      ['an unknown extra', { challenge: { scope: 'x' } }, 'challenge.scope'],
      ['an empty realm', { challenge: { realm: '' } }, 'challenge.realm'],
      ['T22 a quote in the realm', { challenge: { realm: 'a"b' } }, 'challenge.realm'],
      ['T22 a backslash in the realm', { challenge: { realm: 'a\\b' } }, 'challenge.realm'],
      [
        'a parameter in the realm',
        { challenge: { realm: 'MCP, scope=coda.write' } },
        'challenge.realm',
      ],
      ['a sign that begins a value', { challenge: { realm: 'a=b' } }, 'challenge.realm'],
      ['a line break in the realm', { challenge: { realm: 'a\r\nb' } }, 'challenge.realm'],
      [
        'a text for a choice',
        { challenge: { resourceMetadataUri: 'yes' } },
        'challenge.resourceMetadataUri',
      ],
    ],
    good: [
      { challenge: { realm: 'MCP Server', resourceMetadataUri: true } },
      { challenge: { realm: 'scope, error' } },
      { challenge: {} },
    ],
  },
  cache: {
    bad: [
      ['true', { cache: true }, 'cache'],
      ['an unknown option', { cache: { ttl: 5 } }, 'cache.ttl'],
      ['no entries', { cache: { maxEntries: 0 } }, 'cache.maxEntries'],
      ['half an entry', { cache: { maxEntries: 0.5 } }, 'cache'],
      [
        'an age of more than five minutes',
        { cache: { maxAgeSeconds: 301 } },
        'cache.maxAgeSeconds',
      ],
      ['P18 an infinite age', { cache: { maxAgeSeconds: Number.POSITIVE_INFINITY } }, 'cache'],
      ['P18 an age that is no number', { cache: { maxAgeSeconds: Number.NaN } }, 'cache'],
    ],
    good: [{ cache: false }, { cache: {} }, { cache: { maxEntries: 1, maxAgeSeconds: 300 } }],
  },
  credentials: {
    bad: [
      ['one that is not in a list', { credentials: { matches() {}, resolve() {} } }, 'credentials'],
      ['one without resolve', { credentials: [{ matches() {} }] }, 'credentials[0]'],
      ['a secret', { credentials: ['secret'] }, 'credentials[0]'],
    ],
    good: [{ credentials: [] }, { credentials: [{ matches() {}, resolve() {} }] }],
  },
  dpop: {
    bad: [
      ['true', { dpop: true }, 'dpop'],
      ['the function that makes it', { dpop }, 'dpop'],
      ['an object without verify', { dpop: { offer: () => undefined } }, 'dpop'],
    ],
    good: [{ dpop: dpop() }],
  },
  revocation: {
    bad: [
      ['a function', { revocation: () => 'active' }, 'revocation'],
      ['an object without check', { revocation: {} }, 'revocation'],
    ],
    good: [{ revocation: { check: () => 'active' } }],
  },
  sessionKey: {
    bad: [
      ['P18 empty', { sessionKey: '' }, 'sessionKey'],
      ['a password', { sessionKey: 'correct horse battery staple and so on and on' }, 'sessionKey'],
      ['31 bytes', { sessionKey: Buffer.alloc(31).toString('base64url') }, 'sessionKey'],
      [
        'base64 with padding',
        { sessionKey: Buffer.alloc(32, 255).toString('base64') },
        'sessionKey',
      ],
    ],
    good: [{ sessionKey: Buffer.alloc(32, 255).toString('base64url') }],
  },
  mirrorAuthorizationServer: {
    bad: [['a text', { mirrorAuthorizationServer: 'false' }, 'mirrorAuthorizationServer']],
    good: [{ mirrorAuthorizationServer: false }],
  },
  maxMessageBytes: {
    bad: [
      ['too small for a message', { maxMessageBytes: 1023 }, 'maxMessageBytes'],
      ['too large for memory', { maxMessageBytes: 64 * 1024 * 1024 + 1 }, 'maxMessageBytes'],
      ['P18 infinite', { maxMessageBytes: Number.POSITIVE_INFINITY }, 'maxMessageBytes'],
      ['a text', { maxMessageBytes: '4mb' }, 'maxMessageBytes'],
    ],
    good: [{ maxMessageBytes: 1024 }, { maxMessageBytes: 64 * 1024 * 1024 }],
  },
  maxMessageBytesAtOnce: {
    bad: [
      ['less than one message', { maxMessageBytesAtOnce: 4 * MIB - 1 }, 'maxMessageBytesAtOnce'],
      [
        'less than the configured message',
        { maxMessageBytes: 8 * MIB, maxMessageBytesAtOnce: 8 * MIB - 1 },
        'maxMessageBytesAtOnce',
      ],
      ['too small for a message', { maxMessageBytesAtOnce: 1023 }, 'maxMessageBytesAtOnce'],
      [
        'P18 infinite',
        { maxMessageBytesAtOnce: Number.POSITIVE_INFINITY },
        'maxMessageBytesAtOnce',
      ],
      ['P18 not a number', { maxMessageBytesAtOnce: Number.NaN }, 'maxMessageBytesAtOnce'],
      ['a text', { maxMessageBytesAtOnce: '64mb' }, 'maxMessageBytesAtOnce'],
    ],
    good: [
      { maxMessageBytesAtOnce: 4 * MIB },
      { maxMessageBytes: 1024, maxMessageBytesAtOnce: 1024 },
    ],
  },
  onEvent: {
    bad: [['an object', { onEvent: { emit() {} } }, 'onEvent']],
    good: [{ onEvent() {} }],
  },
  fetch: {
    bad: [['a URL', { fetch: 'https://proxy.test' }, 'fetch']],
    good: [{ fetch: globalThis.fetch }],
  },
  now: {
    bad: [['a time', { now: Date.now() }, 'now']],
    good: [{ now: Date.now }],
  },
}

describe('createMcpAuth() refuses at start', () => {
  it('has a case here for every option that exists', () => {
    expect(Object.keys(CASES).sort()).toEqual(Object.keys(McpAuthOptionsSchema.shape).sort())
    for (const [name, { bad, good }] of Object.entries(CASES)) {
      expect([name, bad.length > 0, good.length > 0]).toEqual([name, true, true])
    }
  })

  describe.each(Object.entries(CASES))('%s', (_, { bad, good }) => {
    it.each(bad)('%s', (_title, options, ...paths) => {
      expect(pathsOf({ ...GOOD, ...options })).toEqual(paths)
    })

    it.each(good)('but accepts %o', (options) => {
      expect(pathsOf({ ...GOOD, ...options })).toEqual([])
    })
  })

  it.each(['audiance', 'issuer', 'resourceMetadata', '__proto__x'])(
    'P18 the unknown option %s',
    (name) => {
      expect(pathsOf({ ...GOOD, [name]: 'x' })).toEqual([name])
    },
  )

  it.each([[undefined], [null], ['https://mcp.test'], [7], [[]]])(
    '%j in the place of options',
    (options) => {
      expect(pathsOf(options)).toEqual(['(options)'])
    },
  )

  it('everything that is wrong in one error, malformed fields and contradictions alike', () => {
    const options = {
      resource: 'http://mcp.test/',
      validators: [validatorOf(undefined, { selects: {}, scopeSource: 'none' })],
      scopes: { required: ['read'], tools: {} },
      allow: { domains: ['*'] },
      allowedOrigins: ['app.test'],
      publicPaths: ['health'],
      challenge: { realm: '"' },
      bogus: true,
    }
    expect(pathsOf(options).sort()).toEqual(
      [
        'publicPaths[0]',
        'challenge.realm',
        'bogus',
        'resource',
        'scopes.otherTools',
        'validators[0].selects',
        'allow.domains[0]',
        'allowedOrigins[0]',
      ].sort(),
    )
  })

  it('names the other problems beside a field of the wrong type', () => {
    const options = { resource: 'mcp.test', validators: 'none', allow: {}, allowedOrigins: ['x'] }
    expect(pathsOf(options)).toEqual(['validators', 'allow', 'allowedOrigins[0]'])
  })

  it('P07 without repeating a value that may be a secret', () => {
    const secret = 'canary-secret-value'
    for (const name of Object.keys(McpAuthOptionsSchema.shape)) {
      try {
        createMcpAuth({ ...GOOD, [name]: secret })
      } catch (error) {
        expect(String(error)).not.toContain(secret)
      }
    }
  })
})

describe('createMcpAuth()', () => {
  it('fetches nothing, and tells its validators which resources there are', () => {
    const attached: unknown[] = []
    const validator = {
      ...validatorOf(),
      attach: ({ resources }: { readonly resources: readonly string[] }) => {
        attached.push(resources)
      },
    }
    const auth = createMcpAuth({
      resources: { [A]: {}, [B]: { scopes: { required: ['read'] } } },
      validators: [validator],
      fetch: () => Promise.reject(new Error('nothing may be fetched at start')),
    })
    expect(attached).toEqual([[A, B]])
    expect(auth.resources).toEqual([
      {
        resource: A,
        metadataUrl: 'https://a.test/.well-known/oauth-protected-resource/mcp',
        authorizationServers: ['https://as.test'],
        scopesRequired: [],
      },
      {
        resource: B,
        metadataUrl: 'https://b.test/.well-known/oauth-protected-resource/mcp',
        authorizationServers: ['https://as.test'],
        scopesRequired: ['read'],
      },
    ])
    expect(auth.validators).toEqual([
      {
        name: 'fake',
        authorizationServers: ['https://as.test'],
        scopeSource: 'token',
        resourceBinding: 'audience',
      },
    ])
  })

  it('turns the incidents of validators into events', () => {
    const events: unknown[] = []
    createMcpAuth({
      ...GOOD,
      validators: [
        {
          ...validatorOf(),
          attach: ({ report }) =>
            report({ kind: 'key-unusable', validator: 'fake', reason: 'key_too_short' }),
        },
      ],
      onEvent: (event) => events.push(event),
      now: () => 5,
    })
    expect(events).toEqual([
      {
        type: 'incident',
        time: 5,
        kind: 'key-unusable',
        validator: 'fake',
        reason: 'key_too_short',
      },
    ])
  })
})

describe('mcpAuth() and guard()', () => {
  it.each([undefined, null, {}])('mcpAuth(%j) is refused as options are', (options) => {
    expect(refusedPaths(() => mcpAuth(options as never))).not.toEqual([])
  })

  const auth = createMcpAuth(GOOD)

  it.each([
    ['P18 a misspelt option', { scope: ['read'] }, 'scope'],
    ['a text for a list', { scopes: 'read' }, 'scopes'],
    ['two scopes in one', { scopes: ['a b'] }, 'scopes[0]'],
    ['an empty scope', { scopes: [''] }, 'scopes[0]'],
    ['an unknown resource', { resource: 'https://other.test' }, 'resource'],
    ['a text for a choice', { messages: 'false' }, 'messages'],
  ])('guard() refuses %s', (_, options, path) => {
    expect(refusedPaths(() => guard(auth, options as never))).toEqual([path])
  })

  it('guard() refuses scopes where a validator yields none', () => {
    const without = createMcpAuth({ ...GOOD, validators: [scopeless] })
    expect(refusedPaths(() => guard(without, { scopes: ['read'] }))).toEqual(['scopes'])
    expect(refusedPaths(() => guard(without, { messages: false }))).toEqual([])
  })

  it('guard() accepts what it needs', () => {
    const options = { scopes: ['read'], resource: GOOD.resource, messages: false }
    expect(refusedPaths(() => guard(auth, options))).toEqual([])
    expect(refusedPaths(() => guard(auth))).toEqual([])
  })
})
