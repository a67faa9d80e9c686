import type { TokenStore } from '@bestviable/mcp-auth-middleware'
import { envTokenStore } from '@bestviable/mcp-auth-store-env'
import type { Settings } from './settings.js'

/** Keeps the credential of `github` in `GITHUB_API_TOKEN`, or in the file of `GITHUB_API_TOKEN_FILE`. */
export function createStore({ env }: Settings): TokenStore {
  return envTokenStore({ env })
}
