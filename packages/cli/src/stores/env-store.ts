import { type EnvNaming, envTokenStore } from '@bestviable/mcp-auth-store-env'
import type { CommandContext } from '../command.js'
import type { OpenStore } from './open-store.js'

/** Opens the variables of the process and of `--env-file` as a store. */
export function openEnvStore(
  { variables, host }: CommandContext,
  namespace: string,
  naming: EnvNaming,
): OpenStore {
  const store = envTokenStore({ ...naming, env: variables, namespace, now: host.now })
  return { settings: { kind: 'env', namespace }, store, close: () => store.close() }
}
