import { createTestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import { createDatabase } from '@bestviable/mcp-auth-store-postgres'
import { createAuthorizationServer, oidc } from '@bestviable/mcp-authorization-server'
import { vi } from 'vitest'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  type OpenidProvider,
} from '../../../../packages/authorization-server/test/login/support/openid-provider.js'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import { listen } from '../support/listen.js'
import type { Person } from '../support/person.js'
import type { TestServer } from '../support/test-server.js'
import { tokenByCode } from './token-by-code.js'
import type { Name, WayIn } from './way-in.js'

/** Only keys are taken from it: nobody asks it anything. */
const unheard = 'http://127.0.0.1:9'

/** Where the authorization server keeps its data, and where its people sign in. */
export interface EmbeddedSetup {
  readonly provider: OpenidProvider
  readonly connectionString: () => string
  readonly encryptionKeys: string
  readonly outage: NonNullable<WayIn['outage']>
}

const claimsOf: Record<Name, Record<string, unknown>> = {
  ann: { sub: 'ann', email: 'ann@example.com', email_verified: true },
  eve: { sub: 'eve', email: 'eve@evil.example', email_verified: true },
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const twoHours = 7_200_000

/** Somebody whom the provider vouches for. */
export function personAt(provider: OpenidProvider, name: Name): Person {
  return {
    atProvider: (page) => {
      provider.claims = claimsOf[name]
      return provider.authorize(page)
    },
  }
}

/** Variables of a server whose people sign in at the provider. */
export function embeddedEnv(setup: EmbeddedSetup): Record<string, string> {
  return {
    OAUTH_PROVIDER: 'oidc',
    OAUTH_ISSUER: setup.provider.issuer,
    OAUTH_CLIENT_ID: CLIENT_ID,
    OAUTH_CLIENT_SECRET: CLIENT_SECRET,
    ALLOWED_EMAILS: 'ann@example.com',
    DATABASE_URL: setup.connectionString(),
    MCP_AUTH_ENCRYPTION_KEYS: setup.encryptionKeys,
  }
}

const other = 'https://other.example/mcp'

/** A token that the very same issuer has signed, for a resource that the test chooses. */
async function signedByTwin(
  { provider, connectionString, encryptionKeys }: EmbeddedSetup,
  server: TestServer,
  resource: string,
): Promise<string> {
  const scopes = { 'coda.read': 'read', 'coda.write': 'write' }
  const database = createDatabase({ connectionString: connectionString() })
  const twin = await createAuthorizationServer({
    issuer: server.url,
    database,
    encryptionKeys,
    resources: { [server.resource]: { scopes }, [other]: { scopes } },
    login: [
      oidc({
        id: 'oidc',
        label: 'provider',
        issuer: provider.issuer,
        clientId: CLIENT_ID,
        clientSecret: CLIENT_SECRET,
      }),
    ],
    allow: { emails: ['ann@example.com'] },
  })
  const door = await listen((request, response) => twin.router(request, response, () => {}))
  try {
    const { client, clientSecret = '' } = await twin.clients.create({
      clientName: 'Program',
      grantTypes: ['client_credentials'],
      scopes: Object.keys(scopes),
    })
    const basic = Buffer.from(`${client.clientId}:${clientSecret}`).toString('base64')
    const response = await fetch(`${door.origin}/oauth/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        scope: 'coda.read coda.write',
        resource,
      }),
    })
    const { access_token: token } = await response.json()
    if (typeof token !== 'string') throw new Error(`no token: ${response.status}`)
    return token
  } finally {
    await door.close()
    await twin.close()
    await database.close()
  }
}

/** The authorization server in the same process, the default. */
export function embeddedAuthorizationServer(setup: EmbeddedSetup): WayIn {
  const { provider, outage } = setup
  const stranger = () => createTestIssuer({ issuer: unheard, algorithm: 'ES256' })
  async function token(
    server: TestServer,
    name: Name,
    scope = 'coda.read coda.write',
  ): Promise<string> {
    return (await tokenByCode(server, personAt(provider, name), scope)).access_token
  }
  return {
    title: 'embedded authorization server',
    provider: 'authorization-server',
    oauthCompliant: true,
    env: () => embeddedEnv(setup),
    discovery: async ({ url }) => ({ authorizationServers: [url] }),
    challenge: 'metadata',
    credential: async (server, { name = 'ann', scope } = {}) =>
      bearer(await token(server, name, scope)),
    impossible: {},
    async faulty(server, fault) {
      if (fault === 'of another audience') {
        return bearer(await signedByTwin(setup, server, other))
      }
      if (fault === 'expired') {
        vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - twoHours })
        try {
          return bearer(await signedByTwin(setup, server, server.resource))
        } finally {
          vi.useRealTimers()
        }
      }
      const iss = fault === 'of another signer' ? server.url : 'https://evil.example'
      const claims = { iss, aud: server.resource, scope: 'coda.read coda.write' }
      return bearer(await stranger().token(claims))
    },
    canStepUp: true,
    lists: [
      // All other servers of this way in have that list: by night only.
      ...(isLongForm
        ? [{ env: { ALLOWED_EMAILS: 'ann@example.com' }, admits: { ann: true, eve: false } }]
        : []),
      {
        env: { ALLOWED_EMAILS: '', ALLOWED_DOMAINS: 'example.com' },
        admits: { ann: true, eve: false },
      },
    ],
    outage,
  }
}
