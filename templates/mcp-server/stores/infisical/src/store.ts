import type { TokenStore } from '@bestviable/mcp-auth-middleware'
import { infisicalTokenStore } from '@bestviable/mcp-auth-store-infisical'
import { readVariable, requireVariables, type Settings } from './settings.js'

/** Keeps credentials in Infisical, where a person can change them while the server runs. */
export function createStore({ env }: Settings): TokenStore {
  const {
    INFISICAL_PROJECT_ID: projectId,
    INFISICAL_CLIENT_ID: clientId,
    INFISICAL_CLIENT_SECRET: clientSecret,
  } = requireVariables(
    env,
    'INFISICAL_PROJECT_ID',
    'INFISICAL_CLIENT_ID',
    'INFISICAL_CLIENT_SECRET',
  )
  return infisicalTokenStore({
    siteUrl: readVariable(env, 'INFISICAL_SITE_URL'),
    projectId,
    environment: readVariable(env, 'INFISICAL_ENVIRONMENT') ?? 'prod',
    auth: { method: 'universal', clientId, clientSecret },
  })
}
