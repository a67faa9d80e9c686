import type { ConfigurationProblem } from '@bestviable/mcp-auth-middleware'
import { checkAdmissionRules } from '../login/admission.js'
import { checkLoginProviders } from '../login/check-login-providers.js'
import type { AuthorizationServerOptions } from '../options.js'
import { canonicalResource, IDENTITY_SCOPES } from './resources.js'

const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/

function isSecure({ protocol, hostname }: URL): boolean {
  if (protocol === 'https:') return true
  return protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}

/** What is wrong with an issuer, or `undefined`. */
export function issuerProblem(issuer: string): string | undefined {
  if (!URL.canParse(issuer)) return 'must be a URL'
  const url = new URL(issuer)
  if (!isSecure(url)) {
    return 'must be https; http is for loopback only'
  }
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or password'
  if (issuer !== url.origin) {
    return 'must be an origin as browsers write it: no path, no slash at its end, lower case'
  }
  return undefined
}

/** What is wrong with the resources and their scopes. */
export function resourceProblems(
  resources: AuthorizationServerOptions['resources'],
): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = []
  const seen = new Set<string>()
  if (Object.keys(resources).length === 0) {
    problems.push({ path: 'resources', message: 'must hold at least one resource' })
  }
  for (const [resource, { scopes, defaultScopes = [] }] of Object.entries(resources)) {
    const path = `resources[${JSON.stringify(resource)}]`
    const canonical = canonicalResource(resource)
    if (canonical === undefined || !isSecure(new URL(resource))) {
      const message = 'must be an absolute https URL without a fragment; http is for loopback only'
      problems.push({ path, message })
      continue
    }
    if (seen.has(canonical)) problems.push({ path, message: 'is the same resource as another one' })
    seen.add(canonical)
    const names = Object.keys(scopes)
    if (names.length === 0) problems.push({ path: `${path}.scopes`, message: 'must not be empty' })
    for (const name of names) {
      const at = `${path}.scopes[${JSON.stringify(name)}]`
      if (!SCOPE.test(name)) problems.push({ path: at, message: 'is not a scope' })
      if ((IDENTITY_SCOPES as readonly string[]).includes(name)) {
        problems.push({
          path: at,
          message: 'is a scope about the person and belongs to no resource',
        })
      }
      if (scopes[name]?.trim() === '') problems.push({ path: at, message: 'needs a description' })
    }
    for (const name of defaultScopes) {
      if (names.includes(name)) continue
      problems.push({ path: `${path}.defaultScopes`, message: 'holds a scope that is not listed' })
    }
  }
  return problems
}

/** What is wrong with the ways in, who is admitted, and where pasted tokens are kept. */
export function loginProblems(
  options: Pick<
    AuthorizationServerOptions,
    'login' | 'allow' | 'connect' | 'credentials' | 'issuer'
  >,
): ConfigurationProblem[] {
  const { login, allow, connect, credentials, issuer } = options
  const problems = [...checkLoginProviders(login, { issuer })]
  if (problems.length > 0) return problems
  const isDevOnly = login.every(({ kind }) => kind === 'dev')
  if (allow !== undefined || !isDevOnly) problems.push(...checkAdmissionRules(allow ?? {}))
  const byToken = login.some(({ kind }) => kind === 'api-token')
  if (byToken && (allow?.emails ?? []).length === 0) {
    const message = 'is needed beside apiTokenLogin: a pasted token proves an account, not a domain'
    problems.push({ path: 'allow.emails', message })
  }
  if (login.filter(({ kind }) => kind === 'api-token').length > 1) {
    problems.push({ path: 'login', message: 'can hold one apiTokenLogin' })
  }
  if (byToken || connect !== undefined) {
    if (credentials === undefined) {
      problems.push({ path: 'credentials', message: 'is needed to keep the pasted tokens' })
    } else if (!credentials.capabilities.write) {
      problems.push({ path: 'credentials', message: 'is a store that can only be read' })
    }
  }
  return problems
}
