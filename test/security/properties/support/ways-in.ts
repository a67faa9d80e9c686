import { createMcpAuth } from '../../../../packages/mcp-auth-middleware/src/create-mcp-auth.js'
import { JWS_ALGORITHMS } from '../../../../packages/mcp-auth-middleware/src/jwt/algorithms.js'
import { digestBearerToken } from '../../../../packages/mcp-auth-middleware/src/validators/bearer-tokens.js'
import { cloudflareAccess } from '../../../../packages/mcp-auth-middleware/src/validators/cloudflare-access.js'
import { introspection } from '../../../../packages/mcp-auth-middleware/src/validators/introspection.js'
import { jwt } from '../../../../packages/mcp-auth-middleware/src/validators/jwt.js'
import { localBearer } from '../../../../packages/mcp-auth-middleware/src/validators/local-bearer.js'
import { oidc } from '../../../../packages/mcp-auth-middleware/src/validators/oidc.js'
import { auth0 } from '../../../../packages/mcp-auth-middleware/src/validators/presets/auth0.js'
import { clerk } from '../../../../packages/mcp-auth-middleware/src/validators/presets/clerk.js'
import { cognito } from '../../../../packages/mcp-auth-middleware/src/validators/presets/cognito.js'
import { descope } from '../../../../packages/mcp-auth-middleware/src/validators/presets/descope.js'
import { entra } from '../../../../packages/mcp-auth-middleware/src/validators/presets/entra.js'
import { keycloak } from '../../../../packages/mcp-auth-middleware/src/validators/presets/keycloak.js'
import { okta } from '../../../../packages/mcp-auth-middleware/src/validators/presets/okta.js'
import { supabase } from '../../../../packages/mcp-auth-middleware/src/validators/presets/supabase.js'
import { workos } from '../../../../packages/mcp-auth-middleware/src/validators/presets/workos.js'
import { stytch } from '../../../../packages/mcp-auth-middleware/src/validators/stytch.js'
import type { TokenValidator } from '../../../../packages/mcp-auth-middleware/src/validators/validator.js'
import { START } from '../../../../packages/mcp-auth-middleware/test/jwt/fakes.js'
import {
  createSigningKey,
  type SigningKey,
  signRaw,
} from '../../../../packages/mcp-auth-middleware/test/jwt/sign.js'
import { viewOf } from '../../../../packages/mcp-auth-middleware/test/resource-server/fakes.js'

const RESOURCE = 'https://mcp.test/mcp'
const SECONDS = START / 1000

type Members = Readonly<Record<string, unknown>>

/** What the tokens of an issuer are made of. */
export interface TokenParts {
  readonly key: SigningKey
  /** The algorithm of the signature, which is not always what the header calls it. */
  readonly signedBy: string
  readonly header: Members
  readonly claims: Members
}

/** A server with one way in, and tokens that it accepts. */
export interface WayIn {
  readonly name: string
  readonly tokens: readonly string[]
  /** Absent where tokens are no JWTs. */
  readonly parts?: TokenParts | undefined
  /** Asks the server, and returns the status: 200 when the handler would have run. */
  ask(credential: string): Promise<number>
}

const rsa = createSigningKey('RS256', 'k1')
const ec = createSigningKey('ES256', 'k1')

/** One key pair under the name of another algorithm of its kind. */
function named(key: SigningKey, alg: string): SigningKey {
  return { ...key, alg, jwk: { ...key.jwk, alg } }
}

function keyFor(alg: string): { readonly key: SigningKey; readonly signedBy: string } {
  if (alg.startsWith('RS') || alg.startsWith('PS')) return { key: named(rsa, alg), signedBy: alg }
  if (alg === 'ES256') return { key: ec, signedBy: alg }
  if (!alg.startsWith('Ed')) return { key: createSigningKey(alg, 'k1'), signedBy: alg }
  return { key: named(createSigningKey('EdDSA', 'k1'), alg), signedBy: 'EdDSA' }
}

/** Signs exactly these parts with the key of the issuer. */
export function signParts({ key, signedBy, header, claims }: TokenParts): string {
  return signRaw(header, claims, key, signedBy)
}

function serve(
  name: string,
  validator: TokenValidator,
  tokens: readonly string[],
  parts: TokenParts | undefined,
): WayIn {
  const auth = createMcpAuth({
    resource: RESOURCE,
    validators: [validator],
    now: () => START,
    onEvent: () => undefined,
  })
  const header = validator.selects.header?.name
  return {
    name,
    tokens,
    parts,
    async ask(credential) {
      const headers =
        header === undefined ? { authorization: `Bearer ${credential}` } : { [header]: credential }
      const outcome = await auth.handle(viewOf(headers))
      if (outcome.kind === 'pass') throw new Error('the path is public')
      return outcome.kind === 'response' ? outcome.status : 200
    },
  }
}

/** Answers every request for keys or metadata of these URLs. */
function networkOf(documents: Readonly<Record<string, unknown>>): typeof fetch {
  return async (input) => {
    const document = documents[String(input)]
    return document === undefined ? new Response(null, { status: 404 }) : Response.json(document)
  }
}

interface Issuer {
  readonly claims: Members
  readonly header?: Members
  readonly alg?: string
  /** Where its metadata names the keys, or the keys themselves are. */
  readonly keysAt?: string
  readonly metadataAt?: string
  readonly create: (io: {
    readonly fetch: typeof fetch
    readonly now: () => number
    readonly jwks: { keys: Record<string, unknown>[] }
  }) => TokenValidator
}

function issue(name: string, issuer: Issuer): WayIn {
  const alg = issuer.alg ?? 'RS256'
  const { key, signedBy } = keyFor(alg)
  const header = { alg, kid: 'k1', typ: 'JWT', ...issuer.header }
  const claims: Members = { iat: SECONDS - 60, exp: SECONDS + 3600, jti: 'j1', ...issuer.claims }
  const parts: TokenParts = { key, signedBy, header, claims }
  const jwks = { keys: [key.jwk] }
  const { keysAt = '', metadataAt = '' } = issuer
  const fetch = networkOf({
    [keysAt]: jwks,
    [metadataAt]: { issuer: claims.iss, jwks_uri: keysAt },
  })
  const second = { ...parts, claims: { ...claims, jti: 'j2', exp: SECONDS + 1800 } }
  const tokens = [signParts(parts), signParts(second)]
  return serve(name, issuer.create({ fetch, now: () => START, jwks }), tokens, parts)
}

const plain = { iss: 'https://as.test', aud: RESOURCE, sub: 'ann', client_id: 'c1', scope: 'read' }
const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47'
const PROJECT = 'project-test-11111111-2222-4333-8444-555555555555'
const POOL = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123'
const REALM = 'https://sso.test/realms/acme'
const ENTRA = `https://login.microsoftonline.com/${TENANT}/v2.0`

const PRESETS: Readonly<Record<string, Issuer>> = {
  oidc: {
    claims: { ...plain, iss: 'https://id.test' },
    keysAt: 'https://id.test/keys',
    metadataAt: 'https://id.test/.well-known/openid-configuration',
    create: ({ fetch, now }) => oidc({ issuer: 'https://id.test', fetch, now }),
  },
  'jwt with profile rfc9068': {
    claims: { ...plain, iss: 'https://profile.test' },
    header: { typ: 'at+jwt' },
    create: ({ now, jwks }) =>
      jwt({ issuer: 'https://profile.test', jwks, profile: 'rfc9068', now }),
  },
  auth0: {
    claims: { iss: 'https://acme.eu.auth0.com/', aud: [RESOURCE], sub: 'auth0|1', azp: 'c1' },
    keysAt: 'https://acme.eu.auth0.com/keys',
    metadataAt: 'https://acme.eu.auth0.com/.well-known/openid-configuration',
    create: ({ fetch, now }) => auth0({ domain: 'acme.eu.auth0.com', fetch, now }),
  },
  clerk: {
    claims: { iss: 'https://clerk.example.com', aud: RESOURCE, sub: 'user_1', client_id: 'c1' },
    header: { typ: 'at+jwt' },
    keysAt: 'https://clerk.example.com/.well-known/jwks.json',
    create: ({ fetch, now }) => clerk({ domain: 'clerk.example.com', fetch, now }),
  },
  cognito: {
    claims: { iss: POOL, sub: 'user-1', token_use: 'access', client_id: 'c1', scope: 'coda/read' },
    keysAt: `${POOL}/.well-known/jwks.json`,
    create: ({ fetch, now }) =>
      cognito({ userPoolId: 'eu-central-1_AbCdEf123', clientIds: ['c1'], fetch, now }),
  },
  descope: {
    claims: { ...plain, iss: 'https://api.descope.com/v1/apps/agentic/P1/MS1' },
    keysAt: 'https://api.descope.com/keys',
    metadataAt: 'https://api.descope.com/v1/apps/agentic/P1/MS1/.well-known/openid-configuration',
    create: ({ fetch, now }) =>
      descope({ issuer: 'https://api.descope.com/v1/apps/agentic/P1/MS1', fetch, now }),
  },
  entra: {
    claims: {
      iss: ENTRA,
      aud: 'api',
      sub: 'p',
      oid: 'o1',
      tid: TENANT,
      ver: '2.0',
      azp: 'c1',
      scp: 'r',
    },
    keysAt: 'https://login.microsoftonline.com/keys',
    metadataAt: `${ENTRA}/.well-known/openid-configuration`,
    create: ({ fetch, now }) => entra({ tenants: [TENANT], audience: 'api', fetch, now }),
  },
  keycloak: {
    claims: { iss: REALM, aud: [RESOURCE], sub: 'user-1', typ: 'Bearer', azp: 'c1', scope: 'read' },
    keysAt: `${REALM}/protocol/openid-connect/certs`,
    create: ({ fetch, now }) => keycloak({ url: 'https://sso.test', realm: 'acme', fetch, now }),
  },
  okta: {
    claims: {
      iss: 'https://acme.okta.com/oauth2/default',
      aud: RESOURCE,
      sub: 'a',
      cid: 'c1',
      scp: ['r'],
    },
    keysAt: 'https://acme.okta.com/oauth2/default/v1/keys',
    create: ({ fetch, now }) =>
      okta({ issuer: 'https://acme.okta.com/oauth2/default', fetch, now }),
  },
  supabase: {
    claims: {
      ...{ iss: 'https://abcdefghijklmnopqrst.supabase.co/auth/v1', aud: RESOURCE, sub: 'user-1' },
      ...{ client_id: '9a8b7c6d-0000-4000-8000-000000000000', role: 'authenticated' },
    },
    alg: 'ES256',
    keysAt: 'https://abcdefghijklmnopqrst.supabase.co/auth/v1/.well-known/jwks.json',
    create: ({ fetch, now }) =>
      supabase({ projectRef: 'abcdefghijklmnopqrst', audience: RESOURCE, fetch, now }),
  },
  workos: {
    claims: { iss: 'https://acme.authkit.app', aud: RESOURCE, sub: 'user_1', scope: 'read' },
    keysAt: 'https://acme.authkit.app/oauth2/jwks',
    create: ({ fetch, now }) => workos({ domain: 'acme.authkit.app', fetch, now }),
  },
  stytch: {
    claims: { ...plain, iss: 'https://login.example.com', aud: [PROJECT] },
    keysAt: 'https://login.example.com/.well-known/jwks.json',
    create: ({ fetch, now }) =>
      stytch({ domain: 'login.example.com', projectId: PROJECT, fetch, now }),
  },
  'cloudflare-access': {
    claims: { iss: 'https://acme.cloudflareaccess.com', aud: ['aud-tag'], type: 'app', sub: 'u1' },
    keysAt: 'https://acme.cloudflareaccess.com/cdn-cgi/access/certs',
    create: ({ fetch, now }) =>
      cloudflareAccess({ team: 'acme', audience: ['aud-tag'], fetch, now }),
  },
}

const OPAQUE = ['oat_7f3c9a51b2e84d06', 'oat_0c1d2e3f4a5b6c7d8e9f']

const introspect: typeof fetch = async (_input, init) => {
  const token = new URLSearchParams(String(init?.body)).get('token') ?? ''
  const active = { active: true, sub: 'ann', client_id: 'c1', aud: RESOURCE, exp: SECONDS + 600 }
  return Response.json(OPAQUE.includes(token) ? active : { active: false })
}

/** Every algorithm and every kind of validator, each as a server of its own. */
export async function createWaysIn(): Promise<readonly WayIn[]> {
  const algorithms = JWS_ALGORITHMS.map((alg) =>
    issue(`jwt ${alg}`, {
      claims: plain,
      alg,
      create: ({ now, jwks }) => jwt({ issuer: plain.iss, jwks, algorithms: [alg], now }),
    }),
  )
  const presets = Object.entries(PRESETS).map(([name, issuer]) => issue(name, issuer))
  const opaque = introspection({
    ...{ issuer: 'https://opaque.test', endpoint: 'https://opaque.test/introspect' },
    ...{
      clientId: 'mcp-server',
      clientSecret: 'canary-secret',
      fetch: introspect,
      now: () => START,
    },
  })
  const local = ['mcp_local-token-0001-abcdefgh', 'TOKEN.WITH.DOTS']
  const digests = await Promise.all(local.map((token) => digestBearerToken(token)))
  const bearer = localBearer({ service: digests.map((digest) => ({ digest })) })
  return [
    ...algorithms,
    ...presets,
    serve('introspection', opaque, OPAQUE, undefined),
    serve('local bearer', bearer, local, undefined),
  ]
}
