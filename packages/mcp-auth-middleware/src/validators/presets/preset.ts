import * as z from 'zod/mini'
import type { Principal } from '../../principal.js'
import { createJwtProfileValidator, type JwtProfile } from '../jwt-profile.js'
import type { TokenValidator } from '../validator.js'
import {
  grantScopesOption,
  type VerificationOptions,
  verificationOptions,
} from '../verification-options.js'

/** Options that every preset takes beside those that name the provider's tenant. */
export interface PresetOptions extends VerificationOptions {
  /**
   * Accepted `aud` values. Default: the identifier of the resource that the request is for. Leave the
   * key out for the default; `undefined` is refused, since it is mostly an unset variable.
   */
  readonly audience?: string | readonly string[]
  /**
   * OAuth clients whose tokens are accepted; those of others are answered 403. Leave the key out to
   * accept every client.
   */
  readonly clientIds?: readonly string[]
  /** Scopes of a caller, in place of those of the token. Default: the token's own. */
  readonly grantScopes?: ((principal: Principal) => readonly string[]) | undefined
}

/** Schema of a value at which a token is compared: text without blanks or control characters. */
const identifier = z
  .string('must be a text')
  .check(z.regex(/^[^\s\p{Cc}]+$/u, 'must be a text without blanks'))

/** Schema of a list that must not be empty, since an empty one is mostly an unset variable. */
export const identifierList = z
  .array(identifier, 'must be a list of texts')
  .check(z.minLength(1, 'must hold at least one value'))

/** Schema of an `audience` option: one value or several, never none. */
export const audienceOption = z.union([identifier, identifierList])

/** Members of a `z.strictObject` for {@link PresetOptions}. */
export const presetOptions = {
  audience: z.exactOptional(audienceOption),
  clientIds: z.exactOptional(identifierList),
  grantScopes: grantScopesOption,
  ...verificationOptions,
}

const HOST = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/

/** Returns a host name in lower case, without the `https://` that people paste with it. */
export function parseHost(text: string): string {
  return text
    .toLowerCase()
    .replace(/^https:\/\//, '')
    .replace(/\/$/, '')
}

/** Schema of a `domain` option; read the value with {@link parseHost}. */
export function hostOption(example: string): z.ZodMiniString {
  return z
    .string()
    .check(
      z.refine(
        (text) => HOST.test(parseHost(text)),
        `must be a host name such as ${JSON.stringify(example)}, without path and port`,
      ),
    )
}

/** What a preset knows about its provider: all of a profile that is no operator's choice. */
export type ProviderProfile = Omit<
  JwtProfile,
  keyof VerificationOptions | 'audiences' | 'clientIds' | 'grantScopes'
> & {
  /** Used when `audience` is not set. Default: the resource identifiers. */
  readonly audiences?: JwtProfile['audiences']
}

/**
 * Creates the validator of a preset: the provider's facts with the operator's options. Every preset
 * ends in one call of this function.
 */
export function createPresetValidator(
  provider: ProviderProfile,
  options: PresetOptions,
): TokenValidator {
  const { audience, clientIds, grantScopes, clockTolerance, maxTokenLifetime, fetch, now } = options
  const { audiences = 'resources' } = provider
  return createJwtProfileValidator({
    ...provider,
    audiences:
      audience === undefined ? audiences : typeof audience === 'string' ? [audience] : audience,
    clientIds,
    grantScopes,
    clockTolerance,
    maxTokenLifetime,
    fetch,
    now,
  })
}
