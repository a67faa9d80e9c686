import {
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
import type { Caller } from './request-log.js'

/** Options for {@link createCodaCredentials}. */
export interface CodaCredentialsOptions {
  readonly config: CodaMcpConfig
  readonly store: TokenStore
  readonly logger: Logger
  /** Called when the store has answered. */
  readonly onFound: () => void
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
    const command = 'mcp-auth tokens set --provider coda --issuer … --subject …'
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
  const { config, store, logger, onFound, endSignIns } = options
  const credentials = createCredentials({
    store,
    provider: 'coda',
    per: config.coda.credentials,
    resolveFor: ['coda_*'],
  })
  /** Whom the embedded authorization server knows has a page there to connect Coda on. */
  const hasAccountPage = (caller: Caller) =>
    config.authorizationServer?.collectsCodaTokens === true && caller.issuer === config.publicUrl

  /** Whether the token that was refused is the one that its caller signed in with, and still has. */
  const isProof = async ({ issuer, subject }: Caller, token: string): Promise<boolean> => {
    if (config.authorizationServer?.login.kind !== 'coda' || issuer !== config.publicUrl) {
      return false
    }
    const key = { provider: 'coda', owner: { kind: 'user', issuer, subject } } as const
    // Another one may have been pasted while the call was under way.
    return (await store.get(key, { maxAgeSeconds: 0 }))?.secret === token
  }

  return {
    credentials,
    onTokenRefused: async (ctx, token) => {
      const caller = principalOf(ctx.http?.authInfo)
      if (caller === undefined) return
      try {
        if (!(await isProof(caller, token))) return
        await endSignIns(caller.subject)
        logger.warn({ subject: caller.subject }, 'Coda no longer takes the token of a sign-in')
      } catch (error) {
        // The call has failed all the same, and the next one comes here again.
        logger.warn(
          { err: error, subject: caller.subject },
          'could not end the sign-ins of a caller',
        )
      }
    },
    credentialFor: async (ctx) => {
      const authInfo = ctx.http?.authInfo
      try {
        const { secret } = await credentials.for(authInfo)
        onFound()
        return secret
      } catch (error) {
        const caller = principalOf(authInfo)
        const isRequired = isAuthError(error) && error.code === 'ERR_CREDENTIAL_REQUIRED'
        if (!isRequired || caller === undefined) throw error
        await logMissingCredential(logger, config.store.kind, caller)
        if (!hasAccountPage(caller)) throw error
        throw new CredentialRequiredError('coda', `${config.publicUrl}/account`, { cause: error })
      }
    },
  }
}
