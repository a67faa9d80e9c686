import { commandLine } from './command-line.js'
import {
  type Environment,
  engines,
  infisicalEnvironment,
  postgresEnvironment,
} from './environments.js'

/** A writable store that tests of commands run on. */
export interface Backend {
  readonly name: string
  readonly skip?: string
  /** Whether every command line starts a database of its own, which takes a second or two. */
  readonly isSlow: boolean
  create(): Promise<Environment>
}

/** Every engine of the postgres store, and Infisical. */
export const backends: readonly Backend[] = [
  ...engines.map((engine) => ({
    name: engine.name,
    ...(engine.skip === undefined ? {} : { skip: engine.skip }),
    isSlow: engine.kind === 'pglite',
    create: () => postgresEnvironment(engine),
  })),
  { name: 'Infisical', isSlow: false, create: async () => (await infisicalEnvironment()).env },
]

/** The secret that is stored, or `undefined`. */
export async function secretOf(
  env: Environment,
  provider: string,
  ...flags: string[]
): Promise<unknown> {
  const result = await commandLine(
    ['tokens', 'get', provider, '--reveal', '--yes', '--json', ...flags],
    { env },
  )
  if (result.code !== 0) return undefined
  return (result.json() as { credential: { secret: string } }).credential.secret
}

/** The first that runs here, for what does not depend on the store. */
export const serverOrFake: Backend = backends.find(({ skip }) => skip === undefined) ?? {
  name: 'none',
  isSlow: false,
  create: async () => ({}),
}
