import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import { createAuthorizationServer, devLogin, google } from '@bestviable/mcp-authorization-server'
import type { RequestHandler } from 'express'
import type { SealedDatabase } from './database.js'
import { log, logAuth } from './log.js'
import { readVariable, requireVariables, type Settings } from './settings.js'

const SCOPES = { 'tools.use': 'use the tools of this server' }

/** The sign-in of this server, and the guard that takes its access tokens. */
export interface Auth {
  readonly handlers: readonly RequestHandler[]
  close(): Promise<void>
}

/** Parts of a list with commas. */
function splitList(text: string | undefined): readonly string[] | undefined {
  return text
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** With Google for those on the lists. On your own machine, and without it, anybody is `dev@example.com`. */
function createLogin({ env }: Settings) {
  if (readVariable(env, 'GOOGLE_CLIENT_ID') === undefined) return { login: [devLogin()] }
  const { GOOGLE_CLIENT_ID: clientId, GOOGLE_CLIENT_SECRET: clientSecret } = requireVariables(
    env,
    'GOOGLE_CLIENT_ID',
    'GOOGLE_CLIENT_SECRET',
  )
  return {
    login: [google({ clientId, clientSecret })],
    allow: {
      emails: splitList(readVariable(env, 'ALLOWED_EMAILS')),
      domains: splitList(readVariable(env, 'ALLOWED_DOMAINS')),
    },
  }
}

/** Starts the authorization server in this process. */
export async function startAuth(settings: Settings, sealed: SealedDatabase): Promise<Auth> {
  const { name, publicUrl, resource, env } = settings
  const proxies = readVariable(env, 'TRUST_PROXY')
  const as = await createAuthorizationServer({
    issuer: publicUrl,
    ...sealed,
    ...createLogin(settings),
    resources: { [resource]: { scopes: SCOPES } },
    trustProxy: proxies === undefined ? undefined : Number(proxies),
    brand: { name },
    onEvent: log,
  })
  const guard = mcpAuth({
    resource,
    resourceName: name,
    validators: [as.validator],
    scopes: { required: Object.keys(SCOPES) },
    onEvent: logAuth,
  })
  return { handlers: [as.router, guard], close: () => as.close() }
}
