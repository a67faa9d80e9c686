import type { ConfigurationProblem } from '@bestviable/mcp-auth-middleware'
import { labelProblem, loginIdProblem } from './login-options.js'
import { isLoopbackUrl } from './upstream-url.js'

/** Methods that each kind of login has. */
const METHODS: Readonly<Record<string, readonly string[]>> = {
  redirect: ['start', 'finish'],
  'api-token': ['verify'],
  dev: [],
}

function readProvider(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { kind } = Object.fromEntries(Object.entries(value))
  if (typeof kind !== 'string' || !Object.hasOwn(METHODS, kind)) return undefined
  const hasMethod = (name: string) => typeof Reflect.get(value, name) === 'function'
  return METHODS[kind]?.every(hasMethod) === true
    ? { kind, id: Reflect.get(value, 'id'), label: Reflect.get(value, 'label') }
    : undefined
}

/**
 * Finds what is wrong with a list of logins: nothing in it, something that is no login, an id twice
 * (they differ in more than case, since they are parts of paths), and a login without proof on a
 * server that others can reach. Lists all problems at once; none means that the list is usable.
 */
export function checkLoginProviders(
  providers: unknown,
  options: { readonly issuer: string },
): ConfigurationProblem[] {
  if (!Array.isArray(providers) || providers.length === 0) {
    return [{ path: 'login', message: 'must be a list of at least one way to sign in' }]
  }
  const problems: ConfigurationProblem[] = []
  const seen = new Set<string>()
  providers.forEach((value: unknown, index) => {
    const path = `login[${index}]`
    const provider = readProvider(value)
    if (provider === undefined) {
      const message = 'must be made by google, microsoft, cognito, oidc, apiTokenLogin or devLogin'
      problems.push({ path, message })
      return
    }
    const { id, label, kind } = provider
    const badId = loginIdProblem(id)
    if (badId !== undefined) problems.push({ path: `${path}.id`, message: badId })
    const badLabel = labelProblem(label)
    if (badLabel !== undefined) problems.push({ path: `${path}.label`, message: badLabel })
    const key = String(id).toLowerCase()
    if (badId === undefined && seen.has(key)) {
      const message = `${JSON.stringify(id)} is the id of another login; give each its own`
      problems.push({ path: `${path}.id`, message })
    }
    seen.add(key)
    if (kind === 'dev' && !isLoopbackUrl(options.issuer)) {
      const message = 'lets everybody in without proof and works on a loopback issuer only'
      problems.push({ path, message })
    }
  })
  return problems
}
