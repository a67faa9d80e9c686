import type { CodaMcpConfig } from './config.js'
import type { Logger } from './logger.js'

/** What is known once the server listens. */
export interface StartDetails {
  readonly version: string
  /** Address and port it listens on. */
  readonly address: string
  /** Names of the ways in. */
  readonly providers: readonly string[]
  /** URLs of the metadata documents; empty when there are none. */
  readonly metadataUrls: readonly string[]
}

/** Logs how the server started: where it is, who may come in, what it uses. Never a credential. */
export function logStart(logger: Logger, config: CodaMcpConfig, details: StartDetails): void {
  const { version, address, providers, metadataUrls } = details
  const signIn = config.authorizationServer?.login.kind
  for (const warning of config.warnings) logger.warn(warning)
  if (config.sampleCoda) {
    logger.warn('no Coda token is configured: tools work on built-in sample docs')
  }
  logger.info(
    {
      version,
      address,
      publicUrl: config.publicUrl,
      connectorUrl: config.resource,
      waysIn: providers,
      ...(signIn === undefined ? {} : { signIn }),
      store: config.store.kind,
      ...(config.store.migration === undefined ? {} : { migration: config.store.migration }),
      credentials: config.coda.credentials,
      readOnly: config.readOnly,
      metadataUrls,
      nodeEnv: config.nodeEnv,
    },
    'coda-mcp is listening',
  )
}
