import {
  type CredentialKey,
  CredentialRequiredError,
  type Credentials,
  createCredentials,
  isAuthError,
  principalOf,
  type TokenStore,
} from '@bestviable/mcp-auth-middleware'
import { envVariableFor } from '@bestviable/mcp-auth-store-env'
import type { StoreKind } from './config/stores.js'
import type { CodaMcpConfig } from './config.js'
import type { Logger } from './logger.js'
import type { CredentialFor, TokenRefused } from './mcp-server.js'
import { CodaTokenRefusedError, createRefusedTokens } from './refused-tokens.js'
import type { Caller } from './request-log.js'

/** Options for {@link createCodaCredentials}. */
export interface CodaCredentialsOptions {
  readonly config: CodaMcpConfig
  readonly store: TokenStore
  readonly logger: Logger
  /** Called when the store has answered. */
  readonly onFound: () => void
  /** Asks Coda once more whether it takes a token; `false` when it cannot be asked. */
  readonly isRefused: (token: string) => Promise<boolean>
  /** Ends the sign-ins of somebody whose proof was a token that Coda no longer takes. */
  readonly endSignIns: (subject: string) => Promise<unknown>
}

/** Tells the operator how to give a Coda token to a caller without one. */
async function logMissingCredential(
  logger: Logger,
  store: StoreKind,
  { issuer, subject }: Caller,
): Promise<void> {
  if (store !== 'env') {
    const command = 'mcp-auth tokens set coda --issuer … --subject …'
    logger.warn({ issuer, subject, command }, 'no Coda token is stored for this caller')
    return
  }
  const variable = await envVariableFor({
    provider: 'coda',
    owner: { kind: 'user', issuer, subject },
  })
  logger.warn({ issuer, subject, variable }, 'no Coda token is set for this caller')
}

/** Finds the Coda token of each caller: for the guard, before the tool runs, and for the tool. */
export function createCodaCredentials(options: CodaCredentialsOptions): {
  readonly credentials: Credentials
  readonly credentialFor: CredentialFor
  readonly onTokenRefused: TokenRefused
} {
  const { config, store, logger, onFound, isRefused, endSignIns } = options
  const credentials = createCredentials({
    store,
    provider: 'coda',
    per: config.coda.credentials,
    resolveFor: ['coda_*'],
  })
  const refused = createRefusedTokens({ store })

  const keyOf = ({ issuer, subject }: Caller): CredentialKey => ({
    provider: 'coda',
    owner:
      config.coda.credentials === 'service'
        ? { kind: 'service' }
        : { kind: 'user', issuer, subject },
  })

  /** Whom the embedded authorization server knows has a page there to connect Coda on. */
  const connectUrlOf = ({ issuer }: Caller): string | undefined =>
    config.authorizationServer?.collectsCodaTokens === true && issuer === config.publicUrl
      ? `${config.publicUrl}/account`
      : undefined

  /** Ends the sign-ins of a caller whose refused token is the one that it signed in with. */
  async function endSignInsBy({ issuer, subject }: Caller): Promise<void> {
    if (config.authorizationServer?.login.kind !== 'coda' || issuer !== config.publicUrl) return
    await endSignIns(subject)
    logger.warn({ subject }, 'Coda no longer takes the token of a sign-in')
  }

  return {
    credentials,
    onTokenRefused: async (ctx, token) => {
      const caller = principalOf(ctx.http?.authInfo)
      if (caller === undefined) return undefined
      const { issuer, subject } = caller
      try {
        // One operation that is refused may have reasons of its own, and others share the token.
        if (!(await isRefused(token))) return undefined
        // Another one may have been pasted while the call was under way.
        if (!(await refused.mark(keyOf(caller), token))) return undefined
        logger.warn(
          { issuer, subject, credentials: config.coda.credentials },
          'Coda no longer takes a stored token: it is marked and has to be replaced',
        )
        await endSignInsBy(caller)
      } catch (error) {
        // The call has failed all the same, and the next one comes here again.
        logger.warn({ err: error, issuer, subject }, 'could not mark a token that Coda refused')
      }
      return connectUrlOf(caller)
    },
    credentialFor: async (ctx) => {
      const authInfo = ctx.http?.authInfo
      const caller = principalOf(authInfo)
      const connectUrl = caller && connectUrlOf(caller)
      try {
        const credential = await credentials.for(authInfo)
        onFound()
        if (caller !== undefined && refused.isMarked(keyOf(caller), credential)) {
          throw new CodaTokenRefusedError(connectUrl)
        }
        return credential.secret
      } catch (error) {
        const isRequired = isAuthError(error) && error.code === 'ERR_CREDENTIAL_REQUIRED'
        if (!isRequired || caller === undefined) throw error
        await logMissingCredential(logger, config.store.kind, caller)
        if (connectUrl === undefined) throw error
        throw new CredentialRequiredError('coda', connectUrl, { cause: error })
      }
    },
  }
}
