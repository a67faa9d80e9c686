import { readFile } from 'node:fs/promises'
import {
  type Credential,
  type CredentialKey,
  credentialDigest,
  type TokenStore,
} from '@bestviable/mcp-auth-middleware'
import { type EnvNaming, envTokenStore, envVariableFor } from '@bestviable/mcp-auth-store-env'
import { CommandFailure } from '../../failure.js'
import { type EnvDialect, formatEnvLine, parseEnvFile } from './env-file.js'

/** Why a credential has no line in the file. */
export type Obstacle = 'no-variable' | 'not-expressible' | 'more-than-a-value'

/** One credential on its way into the file. */
export interface ExportEntry {
  readonly key: CredentialKey
  readonly credential: Credential
  readonly variable: string
  readonly line: string
}

/** What can be exported, and what cannot. */
export interface ExportPlan {
  readonly entries: readonly ExportEntry[]
  readonly obstacles: readonly { readonly key: CredentialKey; readonly obstacle: Obstacle }[]
}

/** A variable holds the secret of an API key and nothing else. */
function isMoreThanValue({ kind, expiresAt, scopes, metadata }: Credential): boolean {
  return (
    kind !== 'api-key' || expiresAt !== undefined || scopes !== undefined || metadata !== undefined
  )
}

/** Reads every credential and finds its line. Nothing is written. */
export async function planExport(
  store: TokenStore,
  options: {
    readonly naming: EnvNaming
    readonly dialect: EnvDialect
    readonly provider?: string | undefined
    readonly secretsOnly: boolean
    readonly signal: AbortSignal
  },
): Promise<ExportPlan> {
  const { naming, dialect, provider, secretsOnly, signal } = options
  const entries: ExportEntry[] = []
  const obstacles: { key: CredentialKey; obstacle: Obstacle }[] = []
  for await (const key of store.keys({ provider })) {
    signal.throwIfAborted()
    const credential = await store.get(key)
    // Deleted since it was listed.
    if (credential === undefined) continue
    const variable = await envVariableFor(key, naming)
    const line = variable && formatEnvLine(variable, credential.secret, dialect)
    if (variable === undefined) obstacles.push({ key, obstacle: 'no-variable' })
    else if (line === undefined) obstacles.push({ key, obstacle: 'not-expressible' })
    else if (isMoreThanValue(credential) && !secretsOnly) {
      obstacles.push({ key, obstacle: 'more-than-a-value' })
    } else entries.push({ key, credential, variable, line: `${line}` })
  }
  entries.sort((one, other) => (one.variable < other.variable ? -1 : 1))
  return { entries, obstacles }
}

/**
 * Reads a written file back through the env store, as a server would, and compares digests.
 *
 * @throws {@link CommandFailure} when any credential differs.
 */
export async function checkExport(
  path: string,
  entries: readonly ExportEntry[],
  options: { readonly naming: EnvNaming; readonly dialect: EnvDialect },
): Promise<void> {
  const env = parseEnvFile(await readFile(path, 'utf8'), options.dialect)
  const store = envTokenStore({ ...options.naming, env })
  try {
    for (const { key, credential, variable } of entries) {
      const found = await store.get(key)
      const expected = await credentialDigest({ kind: 'api-key', secret: credential.secret })
      if (found !== undefined && (await credentialDigest(found)) === expected) continue
      throw new CommandFailure('refused', `${variable} would not be read as it is stored`)
    }
  } finally {
    await store.close()
  }
}
