import { type Database, postgresTokenStore } from '@bestviable/mcp-auth-store-postgres'
import { apiTokenLogin } from '../../src/login/api-token-login.js'
import { oidc } from '../../src/login/oidc.js'
import type { AuthorizationServerOptions } from '../../src/options.js'
import { CLIENT_ID, CLIENT_SECRET } from '../login/support/openid-provider.js'
import type { CrashSteps } from './crash-steps.js'

/** What a replica that is killed does beside the sign-in of developers. */
export type CrashLogins = Required<
  Pick<AuthorizationServerOptions, 'login' | 'allow' | 'connect' | 'credentials'>
>

const PASTED = 'canary-token-of-'

/** The token of the upstream API that somebody pastes. */
export function pastedTokenOf(name: string): string {
  return `${PASTED}${name}`
}

/**
 * A sign-in at an OpenID provider, and a step that connects an account by a token, which is kept in the
 * database of the server. What is asked at an upstream is a point as well.
 */
export function createCrashLogins(
  { around }: CrashSteps,
  issuer: string,
  store: { readonly database: Database; readonly encryptionKeys: string },
): CrashLogins {
  const company = oidc({
    id: 'company',
    label: 'Company login',
    issuer,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    fetch: (input, init) => {
      const { pathname } = new URL(input instanceof Request ? input.url : input)
      return around(`upstream ${pathname}`, () => fetch(input, init))
    },
  })
  const connect = apiTokenLogin({
    id: 'coda',
    label: 'Coda API token',
    issuer: 'https://coda.test',
    verify: (token) =>
      around('upstream account', async () =>
        token.startsWith(PASTED) ? { subject: token.slice(PASTED.length) } : undefined,
      ),
  })
  return {
    login: [company],
    allow: { domains: ['example.com'] },
    connect,
    // No request waits for the record of a read.
    credentials: postgresTokenStore({ ...store, auditReads: 'off' }),
  }
}
