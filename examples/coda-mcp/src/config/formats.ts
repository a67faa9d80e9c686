import { isCredentialName } from '@bestviable/mcp-auth-middleware'
import { parseEncryptionKeys } from '@bestviable/mcp-auth-middleware/envelope'
import * as z from 'zod'
import { isCodaBaseUrl } from '../coda/base-url.js'
import { type CodaScope, isCodaScope } from '../tools/scopes.js'

/** Whether a host name or address is this machine only. */
export function isLoopbackHost(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase()
  return name === 'localhost' || name === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)
}

function parsePlainUrl(value: string): URL | undefined {
  if (!URL.canParse(value)) return undefined
  const url = new URL(value)
  const plain = url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  return plain ? url : undefined
}

/** https, or http on loopback, without credentials, query and fragment. */
function isSafeUrl(value: string): boolean {
  const url = parsePlainUrl(value)
  if (url === undefined) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname))
}

/** Parses a text into a value; `undefined` refuses it. The message never repeats the text. */
function format<Value>(
  message: string,
  parse: (text: string) => Value | undefined,
): z.ZodType<Value, string> {
  return z.string().transform((text, context) => {
    const value = parse(text)
    if (value !== undefined) return value
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })
}

function list<Value>(
  message: string,
  parse: (entry: string) => Value | undefined,
): z.ZodType<readonly Value[], string> {
  return format(message, (text) => {
    const values: Value[] = []
    for (const entry of text.split(',')) {
      const value = parse(entry.trim())
      if (value === undefined) return undefined
      values.push(value)
    }
    return values
  })
}

export const integer = (smallest: number, largest: number): z.ZodType<number, string> =>
  format(`must be a whole number from ${smallest} to ${largest}`, (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    return value >= smallest && value <= largest ? value : undefined
  })

export const flag: z.ZodType<boolean, string> = format('must be true or false', (text) => {
  if (/^(true|1)$/i.test(text)) return true
  return /^(false|0)$/i.test(text) ? false : undefined
})

export function oneOf<const Choice extends string>(
  ...choices: readonly Choice[]
): z.ZodType<Choice, string> {
  return format(`must be one of ${choices.join(', ')}`, (text) =>
    choices.find((choice) => choice === text),
  )
}

export const text: z.ZodType<string, string> = format('must not be empty', (value) => value)

export const hostName: z.ZodType<string, string> = format(
  'must be an address or host name without scheme and port, such as 127.0.0.1 or 0.0.0.0',
  (value) => (/^[A-Za-z0-9.:-]+$/.test(value) && !/^[^:]+:\d+$/.test(value) ? value : undefined),
)

export const publicUrl: z.ZodType<string, string> = format(
  'must be the https URL under which clients reach this server (http on loopback only), without /mcp, query and fragment',
  (value) => {
    if (!isSafeUrl(value)) return undefined
    const url = value.replace(/\/+$/, '')
    return url.endsWith('/mcp') ? undefined : url
  },
)

export const codaBaseUrl: z.ZodType<string, string> = format(
  'must be an https URL (http on loopback only) without query and fragment',
  (value) => (isCodaBaseUrl(value) ? value.replace(/\/+$/, '') : undefined),
)

/** What Express accepts for `trust proxy`. */
export type TrustProxy = number | readonly string[]

export const trustProxy: z.ZodType<TrustProxy, string> = format(
  'must be the number of proxies in front of the server, or their addresses separated by commas',
  (value): TrustProxy | undefined => {
    if (/^\d{1,2}$/.test(value)) return Number(value)
    const entries = value.split(',').map((entry) => entry.trim())
    const known = /^(loopback|linklocal|uniquelocal|(?=.*[.:])[0-9a-f.:]+(\/\d{1,3})?)$/i
    return entries.every((entry) => known.test(entry)) ? entries : undefined
  },
)

export const origins: z.ZodType<readonly string[], string> = list(
  'must be origins such as https://app.example.com, separated by commas',
  (value) => (isSafeUrl(value) && new URL(value).origin === value ? value : undefined),
)

export const teamDomain: z.ZodType<string, string> = format(
  'must be the team name, or the team domain such as acme.cloudflareaccess.com',
  (value) =>
    /^(?:https:\/\/)?([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.cloudflareaccess\.com\/?)?$/i
      .exec(value)?.[1]
      ?.toLowerCase(),
)

export const audienceTags: z.ZodType<readonly string[], string> = list(
  'must be the AUD tag of the Access application; several are separated by commas',
  (value) => (/^[\w.-]{1,200}$/.test(value) ? value : undefined),
)

export const clientIds: z.ZodType<readonly string[], string> = list(
  'must be client ids of service tokens, separated by commas; never their secrets',
  // A bare hash of this length is the secret that Access shows beside the client id.
  (value) => (/^[\w.-]{1,200}$/.test(value) && !/^[0-9a-f]{64}$/.test(value) ? value : undefined),
)

export const stytchProject: z.ZodType<string, string> = format(
  'must be the project id, project-live-… or project-test-…',
  (value) => (/^project-(live|test)-[0-9a-zA-Z-]+$/.test(value) ? value : undefined),
)

export const domain: z.ZodType<string, string> = format(
  'must be the project’s own domain, such as login.example.com',
  (value) => {
    const host = value.replace(/^https:\/\//i, '').replace(/\/$/, '')
    return /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/i.test(host)
      ? host.toLowerCase()
      : undefined
  },
)

// An issuer is compared byte by byte, so not even a trailing slash is touched.
export const issuer: z.ZodType<string, string> = format(
  'must be the issuer as its metadata spells it: an https URL (http on loopback only)',
  (value) => (isSafeUrl(value) ? value : undefined),
)

export const names: z.ZodType<readonly string[], string> = list(
  'must be a list separated by commas, without empty entries',
  (value) => (value === '' ? undefined : value),
)

export const emails: z.ZodType<readonly string[], string> = list(
  'must be e-mail addresses separated by commas',
  (value) => (/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value) ? value.toLowerCase() : undefined),
)

export const domains: z.ZodType<readonly string[], string> = list(
  'must be domains such as example.com, separated by commas, without @',
  (value) =>
    /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/i.test(value)
      ? value.toLowerCase()
      : undefined,
)

/** One address, lower case. */
export const email: z.ZodType<string, string> = format('must be one e-mail address', (value) =>
  /^[^\s@,]+@[^\s@,]+\.[^\s@,]+$/.test(value) ? value.toLowerCase() : undefined,
)

export const personName: z.ZodType<string, string> = format(
  'must be a name of 1 to 80 visible characters',
  (value) => (/^[^\p{Cc}\p{Cf}\p{Cs}]{1,80}$/u.test(value) ? value : undefined),
)

/** An id or secret that travels in headers and forms. */
export const opaque: z.ZodType<string, string> = format(
  'must be visible characters without blanks',
  (value) => (/^[\x21-\x7e]{1,4096}$/.test(value) ? value : undefined),
)

export const oauthScopes: z.ZodType<readonly string[], string> = format(
  'must be scopes such as "openid email profile", separated by commas or blanks',
  (value) => {
    const scopes = value.split(/\s*,\s*|\s+/)
    return scopes.every((scope) => /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/.test(scope))
      ? scopes
      : undefined
  },
)

/** Endpoint of an OpenID provider. A query belongs to some of them. */
export const endpoint: z.ZodType<string, string> = format(
  'must be an https URL (http on loopback only) without credentials and fragment',
  (value) => (isSafeUrl(value.replace(/\?[^#]*/, '')) ? value : undefined),
)

export const codaScopeList: z.ZodType<readonly CodaScope[], string> = format(
  'must be any of coda.read, coda.write and coda.share, separated by commas or blanks',
  (value) => {
    const scopes = value.split(/[\s,]+/)
    return scopes.every((scope) => isCodaScope(scope)) ? scopes : undefined
  },
)

/** One accepted Bearer token, known by its digest. Fits the `localBearer` validator. */
export interface BearerToken {
  readonly digest: string
  readonly scopes: readonly string[]
}

export const bearerTokens: z.ZodType<Record<string, readonly BearerToken[]>, string> = format(
  'must be entries name:sha256:<64 hexadecimal digits> or name:sha256:<digits>:coda.read+coda.write, separated by commas; never the token itself',
  (value) => {
    const tokens = new Map<string, BearerToken[]>()
    for (const entry of value.split(',')) {
      const match =
        /^([A-Za-z0-9][A-Za-z0-9._-]{0,39}):(sha256:[0-9a-f]{64})(?::(coda\.(?:read|write|share)(?:[ +]+coda\.(?:read|write|share))*))?$/.exec(
          entry.trim(),
        )
      const [, name, digest, scopes = 'coda.read'] = match ?? []
      if (name === undefined || digest === undefined) return undefined
      tokens.set(name, [...(tokens.get(name) ?? []), { digest, scopes: scopes.split(/[ +]+/) }])
    }
    return Object.fromEntries(tokens)
  },
)

/** A connection string of PostgreSQL. Never repeated in a message: it may hold a password. */
export const databaseUrl: z.ZodType<string, string> = format(
  'must be a URL such as postgres://user:password@host:5432/database',
  (value) => (/^postgres(ql)?:\/\//.test(value) && URL.canParse(value) ? value : undefined),
)

export const encryptionKeys: z.ZodType<string, string> = format(
  'must be keys as "mcp-auth keys generate" prints them, with commas, the current one first',
  (value) => {
    try {
      parseEncryptionKeys(value)
      return value
    } catch {
      return undefined
    }
  },
)

export const storeName: z.ZodType<string, string> = format(
  'must be 1 to 64 letters, digits, "_" or "-" and not start with "-"',
  (value) => (isCredentialName(value) ? value : undefined),
)

export const schemaName: z.ZodType<string, string> = format(
  'must be 1 to 63 lower-case letters, digits or "_" and not start with a digit',
  (value) => (/^[a-z_][a-z0-9_]{0,62}$/.test(value) ? value : undefined),
)

export const siteUrl: z.ZodType<string, string> = format(
  'must be the https URL of the Infisical server (http on loopback only)',
  (value) => (isSafeUrl(value) ? value : undefined),
)

export const folderPath: z.ZodType<string, string> = format(
  'must be a path of letters, digits, "-" and "_", such as /mcp-auth',
  (value) => (/^(\/[A-Za-z0-9_-]+)+$/.test(value) ? value : undefined),
)
