import * as z from 'zod/mini'
import { checkOptions, parseOptions } from '../configuration.js'
import type { ConfigurationProblem } from '../errors.js'
import type { KnownClient } from './issuer/clients.js'
import type { SigningAlgorithm } from './issuer/compact-jws.js'
import { redirectUriProblem } from './issuer/redirect-uri.js'

/** A client that the test issuer knows without registration. */
export interface TestIssuerClient {
  readonly clientId: string
  /** Makes the client confidential. Such a client may introspect every token. */
  readonly clientSecret?: string | undefined
  /** Compared exactly, except for the port of loopback hosts. Default none. */
  readonly redirectUris?: readonly string[] | undefined
}

/** Options of {@link createTestIssuer}. */
export interface TestIssuerOptions {
  /**
   * Issuer identifier on `http://127.0.0.1` or `http://localhost`, with or without a path. Port 0
   * stands for the port that `listen` gets. Default `http://127.0.0.1:0`.
   */
  readonly issuer?: string | undefined
  /** Port to listen on. Default the port of `issuer`. */
  readonly port?: number | undefined
  /** Algorithm of all tokens. Default `RS256`. */
  readonly algorithm?: SigningAlgorithm | undefined
  /**
   * Resources that tokens are for, put into `aud`; others are refused. By default a token is for the
   * `resource` that the client names.
   */
  readonly audience?: string | readonly string[] | undefined
  /** Scopes offered, and put into tokens made by `token`. By default every asked one is granted. */
  readonly scopes?: readonly string[] | undefined
  /** `sub` of every token. Default `test-user`. */
  readonly subject?: string | undefined
  /** Adds `email` and `email_verified: true` to every token. */
  readonly email?: string | undefined
  /** In seconds. Default 3600. */
  readonly accessTokenLifetimeSeconds?: number | undefined
  /** Clock in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined
  /** Clients known without registration. Default none. */
  readonly clients?: readonly TestIssuerClient[] | undefined
}

const text = z.string().check(z.minLength(1))

const Options = z.strictObject({
  issuer: z._default(text, 'http://127.0.0.1:0'),
  port: z.optional(z.int().check(z.minimum(0), z.maximum(65_535))),
  algorithm: z._default(z.enum(['RS256', 'ES256', 'EdDSA']), 'RS256'),
  audience: z.optional(z.union([text, z.array(text).check(z.minLength(1))])),
  scopes: z.optional(z.array(text.check(z.regex(/^[!#-[\]-~]+$/, 'is not a scope')))),
  subject: z._default(text, 'test-user'),
  email: z.optional(text),
  accessTokenLifetimeSeconds: z._default(z.int().check(z.positive()), 3600),
  now: z._default(
    z.custom<() => number>((value) => typeof value === 'function', 'must be a function'),
    () => Date.now,
  ),
  clients: z._default(
    z.array(
      z.strictObject({
        clientId: text,
        clientSecret: z.optional(text),
        redirectUris: z._default(z.array(z.string()), []),
      }),
    ),
    [],
  ),
})

/** Where the issuer will be, before its port is known. */
export interface IssuerLocation {
  /** Either name of the loopback interface. */
  readonly hostname: string
  /** 0 until the operating system has chosen one. */
  readonly port: number
  /** Empty, or a path without a slash at its end. */
  readonly path: string
}

function findIssuerProblem(issuer: string): string | undefined {
  if (!URL.canParse(issuer)) return 'must be an absolute URL'
  const url = new URL(issuer)
  if (url.protocol !== 'http:' || !['127.0.0.1', 'localhost'].includes(url.hostname)) {
    return 'must be on http://127.0.0.1 or http://localhost: this issuer is not for production'
  }
  if (issuer.endsWith('/')) return 'must not end with a slash'
  const exact = url.origin + (url.pathname === '/' ? '' : url.pathname)
  return issuer === exact
    ? undefined
    : 'must be in canonical form, without user, query, fragment and default port'
}

function locate(issuer: string, port: number | undefined): IssuerLocation {
  const url = new URL(issuer)
  return {
    hostname: url.hostname,
    port: url.port === '0' ? (port ?? 0) : Number(url.port || 80),
    path: url.pathname === '/' ? '' : url.pathname,
  }
}

const SUBJECT = 'createTestIssuer()'

/** Validates the options, fills in defaults and refuses every place that is not loopback. */
export function parseTestIssuerOptions(input: TestIssuerOptions) {
  const options = parseOptions(SUBJECT, Options, input)
  const problems: ConfigurationProblem[] = []
  const issuerProblem = findIssuerProblem(options.issuer)
  if (issuerProblem !== undefined) problems.push({ path: 'issuer', message: issuerProblem })
  for (const [index, { redirectUris }] of options.clients.entries()) {
    for (const uri of redirectUris) {
      const message = redirectUriProblem(uri)
      if (message !== undefined) problems.push({ path: `clients[${index}].redirectUris`, message })
    }
  }
  checkOptions(SUBJECT, problems)
  const location = locate(options.issuer, options.port)
  if (options.port !== undefined && options.port !== location.port) {
    checkOptions(SUBJECT, [{ path: 'port', message: 'is not the port of `issuer`' }])
  }

  const { algorithm, audience = [], scopes, subject, email, accessTokenLifetimeSeconds } = options
  const clients: readonly KnownClient[] = options.clients.map((client) => ({
    ...client,
    mayRefresh: true,
    configured: true,
  }))
  return {
    location,
    now: options.now,
    clients,
    settings: {
      algorithm,
      audience: typeof audience === 'string' ? [audience] : audience,
      scopes,
      subject,
      email,
      accessTokenLifetimeSeconds,
    },
  }
}
