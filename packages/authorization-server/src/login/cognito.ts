import * as z from 'zod/mini'
import { readDisplayClaims } from './display-claims.js'
import { normalizeEmail } from './email.js'
import { type OpenidClientOptions, openidClientShape, parseLoginOptions } from './login-options.js'
import type { RedirectLogin } from './login-provider.js'
import { createOpenidLogin } from './openid-login.js'
import type { OpenidAnswer, OpenidJudgement } from './openid-profile.js'

/** Options of {@link cognito}. */
export interface CognitoOptions extends OpenidClientOptions {
  /** Region of the pool, for example `eu-central-1`. */
  readonly region: string
  /** User pool id, `<region>_<id>`. */
  readonly userPoolId: string
  /** Takes the text `"true"` in `email_verified` for the boolean. Default `false`. */
  readonly trustEmailVerifiedString?: boolean | undefined
  /**
   * Also takes `email_verified` of people whom the pool gets from another identity provider, where
   * the attribute says whatever the pool's attribute mapping copies. Default `false`.
   */
  readonly trustFederatedEmails?: boolean | undefined
}

const REGION = /^[a-z]{2}(?:-[a-z]+)+-\d$/
const USER_POOL_ID = /^([a-z]{2}(?:-[a-z]+)+-\d)_[A-Za-z0-9]{1,55}$/

const Options = z
  .strictObject({
    ...openidClientShape,
    region: z
      .string({ error: 'must be text' })
      .check(z.regex(REGION, { error: 'must be a region such as "eu-central-1"' })),
    userPoolId: z
      .string({ error: 'must be text' })
      .check(
        z.regex(USER_POOL_ID, { error: 'must be a user pool id such as "eu-central-1_AbCdEf123"' }),
      ),
    trustEmailVerifiedString: z._default(z.boolean({ error: 'must be a boolean' }), false),
    trustFederatedEmails: z._default(z.boolean({ error: 'must be a boolean' }), false),
  })
  .check(
    z.refine(({ region, userPoolId }) => userPoolId.startsWith(`${region}_`), {
      path: ['userPoolId'],
      error: 'must be of the region',
    }),
  )

interface EmailRules {
  readonly trustEmailVerifiedString: boolean
  readonly trustFederatedEmails: boolean
}

function readEmail(claims: OpenidAnswer['claims'], rules: EmailRules): string | undefined {
  const { email, email_verified: verified, identities } = claims
  const isVerified =
    verified === true || (rules.trustEmailVerifiedString && Object.is(verified, 'true'))
  const isFederated = identities !== undefined
  if (!isVerified || typeof email !== 'string') return undefined
  return isFederated && !rules.trustFederatedEmails ? undefined : normalizeEmail(email)
}

/**
 * Sign-in with an Amazon Cognito user pool.
 *
 * Both issuer forms of a pool name the same people, who are filed under the first one. An address
 * admits only when the pool itself verified it, see {@link CognitoOptions.trustFederatedEmails}.
 *
 * @throws ConfigurationError at once, when an option is missing or malformed.
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html
 */
export function cognito(options: CognitoOptions): RedirectLogin {
  const {
    fetch,
    now,
    timeoutMilliseconds,
    region,
    userPoolId,
    trustEmailVerifiedString,
    trustFederatedEmails,
    ...client
  } = parseLoginOptions('cognito', Options, options)
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  const issuer = `https://cognito-idp.${region}.${suffix}/${userPoolId}`

  const judge = ({ claims }: OpenidAnswer): OpenidJudgement => {
    // Access tokens of the pool have the same issuer and keys.
    if (claims.token_use !== 'id') return { kind: 'invalid', reason: 'id_token_kind' }
    return {
      kind: 'identity',
      identity: {
        issuer,
        subject: claims.sub,
        email: readEmail(claims, { trustEmailVerifiedString, trustFederatedEmails }),
        ...readDisplayClaims(claims),
      },
    }
  }

  return createOpenidLogin(
    {
      ...client,
      id: 'cognito',
      label: 'Amazon Cognito',
      discovery: issuer,
      issuers: [issuer, `https://issuer-cognito-idp.${region}.${suffix}/${userPoolId}`],
      scopes: ['openid', 'email', 'profile'],
      judge,
    },
    { fetch, now, timeoutMilliseconds },
  )
}
