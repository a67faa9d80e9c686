import * as z from 'zod/mini'
import { parseOptions } from '../../configuration.js'
import type { JwtClaims } from '../jwt-profile.js'
import type { TokenValidator } from '../validator.js'
import {
  audienceOption,
  createPresetValidator,
  identifierList,
  type PresetOptions,
  presetOptions,
} from './preset.js'

/** Options of {@link cognito}. */
export interface CognitoOptions extends Omit<PresetOptions, 'audience'> {
  /** User pool id, `<region>_<id>`. */
  readonly userPoolId: string
  /** App clients whose tokens are accepted, at least one: access tokens name no audience. */
  readonly clientIds: readonly string[]
  /** Accepted `aud` values, for pools that bind tokens to a resource. Default: `aud` is ignored. */
  readonly audience?: string | readonly string[]
}

const USER_POOL_ID = /^([a-z]{2}(?:-[a-z]+)+-\d)_[A-Za-z0-9]{1,55}$/

const Options = z.strictObject({
  userPoolId: z
    .string()
    .check(z.regex(USER_POOL_ID, 'must be a user pool id such as "eu-central-1_AbCdEf123"')),
  ...presetOptions,
  clientIds: identifierList,
  audience: z.exactOptional(audienceOption),
})

/** ID tokens have the same issuer and keys, and may have the same scopes of groups. */
function refuseOtherKinds(payload: JwtClaims): string | undefined {
  return payload.token_use === 'access' ? undefined : 'not_an_access_token'
}

/**
 * Accepts access tokens of an Amazon Cognito user pool, issued to the listed app clients.
 *
 * Cognito access tokens have no audience, so the client list is what binds them to this server: use
 * app clients that serve nothing else. Both issuer forms of the pool are accepted and name the same
 * callers. Cognito registers no MCP clients by itself.
 *
 * @example
 * ```ts
 * cognito({ userPoolId: 'eu-central-1_AbCdEf123', clientIds: ['4hq0example'] })
 * ```
 *
 * @throws ConfigurationError at once, when an option is missing or malformed.
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
 */
export function cognito(options: CognitoOptions): TokenValidator {
  const parsed = parseOptions('cognito', Options, options)
  const { userPoolId } = parsed
  const region = USER_POOL_ID.exec(userPoolId)?.[1] ?? ''
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  const issuer = `https://cognito-idp.${region}.${suffix}/${userPoolId}`
  const newIssuer = `https://issuer-cognito-idp.${region}.${suffix}/${userPoolId}`
  return createPresetValidator(
    {
      name: 'cognito',
      issuers: [issuer, newIssuer],
      principalIssuer: issuer,
      authorizationServers: [issuer],
      keys: (iss) => ({ jwksUri: `${iss}/.well-known/jwks.json` }),
      algorithms: ['RS256'],
      typ: null,
      audiences: null,
      clientIdClaims: ['client_id'],
      tokenKind: (_header, payload) => refuseOtherKinds(payload),
    },
    parsed,
  )
}
