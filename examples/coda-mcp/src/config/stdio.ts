import { ConfigError } from '../config.js'
import {
  type ConfigProblem,
  collectVariables,
  findUnusableVariables,
  type RawEnvironment,
  type ReadFile,
  readFileOfDisk,
} from './raw-environment.js'
import { Environment } from './variables.js'

/** Configuration of a server that its only client has started. Made by {@link readStdioConfig} only. */
export interface StdioConfig {
  readonly logLevel: Environment['LOG_LEVEL']
  readonly readOnly: boolean
  readonly codaBaseUrl: string
}

const Used = Environment.pick({
  LOG_LEVEL: true,
  READ_ONLY: true,
  CODA_API_TOKEN: true,
  CODA_API_BASE_URL: true,
  CODA_CREDENTIALS: true,
  TOKEN_STORE: true,
})

/**
 * Reads the configuration of a server on standard input and output. Variables about addresses and ways
 * in have no meaning there: whoever starts the process is its only caller.
 *
 * @throws {@link ConfigError} listing every problem at once, without values.
 */
export function readStdioConfig(
  env: RawEnvironment,
  readFile: ReadFile = readFileOfDisk,
): StdioConfig {
  const problems: ConfigProblem[] = findUnusableVariables(env)
  const values = collectVariables(env, readFile, problems)
  const parsed = Used.safeParse(values)
  for (const { path, message } of parsed.error?.issues ?? []) {
    problems.push({ variable: String(path[0]), message })
  }
  if (!parsed.success) throw new ConfigError(problems)
  const { data } = parsed
  if (data.CODA_API_TOKEN === undefined && !problems.some(isAboutToken)) {
    const message = 'is missing: set it or CODA_API_TOKEN_FILE; coda.io/account makes one'
    problems.push({ variable: 'CODA_API_TOKEN', message })
  }
  if (data.TOKEN_STORE !== 'env') {
    const message = 'must be env with --stdio, which reads the Coda token from CODA_API_TOKEN'
    problems.push({ variable: 'TOKEN_STORE', message })
  }
  if (data.CODA_CREDENTIALS !== 'service') {
    const message = 'must be service with --stdio, which has one caller'
    problems.push({ variable: 'CODA_CREDENTIALS', message })
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return {
    logLevel: data.LOG_LEVEL,
    readOnly: data.READ_ONLY,
    codaBaseUrl: data.CODA_API_BASE_URL,
  }
}

const isAboutToken = ({ variable }: ConfigProblem): boolean => variable.startsWith('CODA_API_TOKEN')
