import { claimOf, isIdentifier, readClientId, readScopes } from '../jwt/claims.js'
import type { Principal } from '../principal.js'
import { lowerCaseEmail } from './email-case.js'
import type { JwtClaims, JwtProfile, PrincipalFields, ProfileRefusal } from './jwt-profile.js'

/** Reads the caller from the claims of a verified token, or refuses it. */
export type PrincipalReader = (issuer: string, claims: JwtClaims) => Principal | ProfileRefusal

const isRefusal = (fields: PrincipalFields | ProfileRefusal): fields is ProfileRefusal =>
  fields.kind === 'rejected' || fields.kind === 'forbidden'

function plainText(value: unknown): string | undefined {
  return isIdentifier(value) ? value : undefined
}

/** Builds the reader of a profile. Optional claims of the wrong shape count as missing. */
export function createPrincipalReader(profile: JwtProfile): PrincipalReader {
  const { scopeClaims = ['scope'], clientIdClaims = ['client_id', 'azp'] } = profile
  const listedClients = profile.clientIds === undefined ? undefined : new Set(profile.clientIds)
  const rejected = (reason: string): ProfileRefusal => ({ kind: 'rejected', reason })

  return (issuer, claims) => {
    const clientId = readClientId(claims, clientIdClaims)
    if (typeof clientId === 'object') return rejected(clientId.problem)
    // Said only now: a forged token must not learn from a 403 that its client would be listed.
    if (listedClients !== undefined && !(clientId !== undefined && listedClients.has(clientId))) {
      return { kind: 'forbidden', reason: 'client_not_listed' }
    }
    const scopes = readScopes(claims, scopeClaims)
    if ('problem' in scopes) return rejected(scopes.problem)

    const fields = profile.principal?.(claims) ?? {}
    if (isRefusal(fields)) return fields
    const subject = fields.subject ?? claimOf(claims, 'sub')
    if (!isIdentifier(subject)) return rejected('subject_missing')
    const exp = claimOf(claims, 'exp')
    const email = plainText(fields.email ?? claimOf(claims, 'email'))

    const principal: Principal = {
      issuer: profile.principalIssuer ?? issuer,
      subject,
      // RFC 9068 section 2.2: in a token of the client credentials grant, `sub` is the client.
      kind: fields.kind ?? (subject === clientId ? 'service' : 'user'),
      clientId,
      scopes,
      expiresAt: typeof exp === 'number' ? exp : undefined,
      email: email === undefined ? undefined : lowerCaseEmail(email),
      emailVerified: fields.emailVerified ?? claimOf(claims, 'email_verified') === true,
      name: plainText(fields.name ?? claimOf(claims, 'name')),
      tenant: plainText(fields.tenant),
      tokenId: plainText(claimOf(claims, 'jti')),
      grantId: plainText(fields.grantId),
      admittedByName: fields.admittedByName,
      claims,
    }
    const { grantScopes } = profile
    return Object.freeze(
      grantScopes === undefined ? principal : { ...principal, scopes: grantScopes(principal) },
    )
  }
}
