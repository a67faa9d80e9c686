import { accessTokenClaims, accessTokenHeader, signToken } from './access-token.js'
import type { JsonMembers } from './compact-jws.js'
import type { IssuerContext } from './issuer-context.js'
import type { SigningKey } from './signing-keys.js'

/** A token that is right in every way, to put one fault into. */
export interface FaultyBase {
  readonly context: IssuerContext
  readonly key: SigningKey
  readonly header: JsonMembers
  readonly claims: JsonMembers
  /** First audience of the claims. */
  readonly audience: string
  /** Epoch seconds. */
  readonly now: number
  /** Signs with changed members; `undefined` removes one. */
  sign(claims?: JsonMembers, header?: JsonMembers, key?: SigningKey): string
}

/** Makes a faulty token out of a right one. */
export type FaultMaker = (base: FaultyBase) => string | Promise<string>

export async function createFaultyBase(
  context: IssuerContext,
  overrides: JsonMembers,
): Promise<FaultyBase> {
  const key = await context.keys.current()
  const header = accessTokenHeader(context, key)
  const claims = accessTokenClaims(context, overrides)
  const audience: unknown = Array.isArray(claims.aud) ? claims.aud[0] : claims.aud
  if (typeof audience !== 'string') {
    throw new TypeError(
      'a token needs an audience: set `audience` of the issuer or the `aud` claim',
    )
  }
  return {
    context,
    key,
    header,
    claims,
    audience,
    now: Math.floor(context.now() / 1000),
    sign: (changes = {}, headerChanges = {}, signer = key) =>
      signToken({ ...header, ...headerChanges }, { ...claims, ...changes }, signer),
  }
}
