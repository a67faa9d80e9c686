import {
  type Credentials,
  createCredentials,
  type TokenStore,
} from '@bestviable/mcp-auth-middleware'
import { readVariable, type Settings } from './settings.js'

/** Where GitHub is, and what the tools show there. */
export interface Github {
  readonly apiUrl: string
  readonly credentials: Credentials
}

const LOOPBACK: readonly string[] = ['127.0.0.1', '[::1]', 'localhost']

/** A credential is sent there, so that `http` is for this machine only. */
function isSafe(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.includes(hostname))
}

/** Reads `GITHUB_API_URL`, and throws an error for one that a credential cannot be sent to. */
export function openGithub({ env }: Settings, store: TokenStore): Github {
  const apiUrl = readVariable(env, 'GITHUB_API_URL') ?? 'https://api.github.com'
  if (!isSafe(apiUrl)) {
    throw new Error('GITHUB_API_URL must be https; http is for this machine only')
  }
  // 'user' in place of 'service' gives every caller a credential of their own.
  return { apiUrl, credentials: createCredentials({ store, provider: 'github', per: 'service' }) }
}
