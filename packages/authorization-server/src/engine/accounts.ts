import type { Account, KoaContextWithOIDC } from 'oidc-provider'
import type { LoginProvider, VerifiedIdentity } from '../login/login-provider.js'
import type { UserProfile } from '../storage/storage.js'
import { IDENTITY_FACTS, type IdentityFacts } from './identity-facts.js'
import type { EngineParts } from './parts.js'

/** Reads the facts of a user; `undefined` for somebody who never signed in. */
export async function readIdentityFacts(
  parts: EngineParts,
  userId: string,
): Promise<IdentityFacts | undefined> {
  const record = await parts.storage.records(IDENTITY_FACTS).find(userId)
  return record?.facts as IdentityFacts | undefined
}

/** Tells whether a user may still come in: active, and admitted by the lists as they are now. */
export async function isStillAdmitted(parts: EngineParts, user: UserProfile): Promise<boolean> {
  const { providerIssuer, providerUserId } = user
  if (user.status !== 'active' || providerIssuer === undefined || providerUserId === undefined) {
    return false
  }
  const facts = await readIdentityFacts(parts, user.userId)
  if (facts === undefined) return false
  // A way in that was taken out of the configuration lets nobody in any more.
  if (!parts.logins.some(({ id }) => id === facts.provider)) return false
  const identity: VerifiedIdentity = {
    provider: facts.provider,
    issuer: providerIssuer,
    subject: providerUserId,
    email: user.email,
    hostedDomain: facts.hostedDomain,
    tenant: facts.tenant,
    name: user.name,
  }
  return isAdmitted(parts, identity, facts.invited)
}

/** Tells whether a sign-in was too long ago for its session. Using a session makes it no younger. */
export function isSessionTooOld(
  { now, lifetimes }: EngineParts,
  { loginTs }: { readonly loginTs?: number | undefined },
): boolean {
  return loginTs !== undefined && now() / 1000 - loginTs > lifetimes.federatedSignIn
}

/** Asks the rules; a developer's login on loopback needs none. */
export function isAdmitted(
  parts: EngineParts,
  identity: VerifiedIdentity,
  invited: boolean,
): boolean {
  if (findLogin(parts.logins, identity.provider)?.kind === 'dev') return true
  return parts.admission(identity, { invited }).admitted
}

/** Finds a way in by its id. */
export function findLogin(logins: readonly LoginProvider[], id: string): LoginProvider | undefined {
  return logins.find((login) => login.id === id)
}

/** Claims that a client sees, by the scopes that it was granted. */
export function userClaims(
  user: UserProfile,
  scopes: ReadonlySet<string>,
): { sub: string; [claim: string]: unknown } {
  return {
    sub: user.userId,
    ...(scopes.has('email') && user.email !== undefined
      ? { email: user.email, email_verified: true }
      : {}),
    ...(scopes.has('profile')
      ? {
          ...(user.name === undefined ? {} : { name: user.name }),
          ...(user.picture === undefined ? {} : { picture: user.picture }),
          updated_at: user.updatedAt,
        }
      : {}),
  }
}

/** Builds the engine's lookup of accounts. `undefined` ends a refresh without touching the family. */
export function createFindAccount(
  parts: EngineParts,
): (ctx: KoaContextWithOIDC, userId: string, token?: unknown) => Promise<Account | undefined> {
  const isTooOld = (user: UserProfile, token: unknown): boolean => {
    if (findLogin(parts.logins, user.provider ?? '')?.kind !== 'redirect') return false
    const authTime: unknown =
      typeof token === 'object' && token !== null ? Reflect.get(token, 'authTime') : undefined
    if (typeof authTime !== 'number') return false
    return parts.now() / 1000 - authTime > parts.lifetimes.federatedSignIn
  }
  return async (_ctx, userId, token) => {
    // Within the transaction of a token request nobody can be suspended between this and its commit.
    const user = await parts.storage.users.hold(userId)
    if (user === undefined || !(await isStillAdmitted(parts, user))) return undefined
    if (isTooOld(user, token)) return undefined
    return {
      accountId: user.userId,
      claims: async (_use, scope) => userClaims(user, new Set(scope.split(' '))),
    }
  }
}
