import type { CredentialKey, TokenStore } from '@bestviable/mcp-auth-middleware'
import { tokenStoreContract } from '@bestviable/mcp-auth-middleware/testing'
import { describe, it } from 'vitest'
import { type EnvUser, envTokenStore, envVariableFor } from '../src/index.js'

interface Backend {
  readonly env: Record<string, string>
  /** Contents of the files that `*_FILE` variables name. */
  readonly files: Map<string, string>
}

type Variant = 'variables' | 'files' | 'named variables'

function usersOf(keys: readonly CredentialKey[], variant: Variant): EnvUser[] {
  const users: EnvUser[] = []
  for (const [index, { provider, owner }] of keys.entries()) {
    if (owner.kind !== 'user') continue
    const { issuer, subject } = owner
    const variable = variant === 'named variables' ? { variable: `USER_${index}` } : {}
    users.push({ provider, issuer, subject, ...variable })
  }
  return users
}

// An environment has no namespaces of its own: servers that share one are told apart by the prefix.
describe.each<Variant>(['variables', 'files', 'named variables'])(
  'TokenStore contract: env, %s',
  (variant) => {
    for (const { id, run, title } of tokenStoreContract) {
      it(`${id}: ${title}`, () => {
        const backends = new WeakMap<TokenStore, Backend>()
        return run({
          members: [],
          async create(seed, { beside, namespace } = {}) {
            const known = beside && backends.get(beside)
            const backend: Backend = known ?? { env: {}, files: new Map() }
            const { env, files } = backend
            const prefix = namespace === undefined ? '' : `${namespace.toUpperCase()}_`
            const users = usersOf(
              seed.map(([key]) => key),
              variant,
            )
            for (const [key, { secret }] of seed) {
              const variable = `${await envVariableFor(key, { prefix, users })}`
              if (variant === 'files') {
                env[`${variable}_FILE`] = `/run/secrets/${variable}`
                files.set(`/run/secrets/${variable}`, `${secret}\n`)
              } else {
                env[variable] = secret
              }
            }
            const readFile = async (path: string) => {
              const content = files.get(path)
              if (content === undefined) throw new Error('no such file')
              return content
            }
            const store = envTokenStore({ env, prefix, users, readFile, namespace })
            backends.set(store, backend)
            return store
          },
          destroy: (store) => store.close(),
        })
      })
    }
  },
)
