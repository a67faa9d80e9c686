import type { AuditInput } from './storage.js'

/** What a user may do. */
export type UserRole = 'admin' | 'user'
/** Whether a user may come in: `invited` until the first sign-in with the address. */
export type UserStatus = 'active' | 'suspended' | 'invited'

/** A person, or the holder of an upstream account. `userId` is the `sub` of our tokens. */
export interface UserProfile {
  /** UUID. */
  readonly userId: string
  /** Normalised; not unique. */
  readonly email?: string | undefined
  readonly name?: string | undefined
  readonly picture?: string | undefined
  /** Id of the login provider; absent on an invitation. */
  readonly provider?: string | undefined
  /** Issuer of the identity at that provider; identity is issuer + subject. */
  readonly providerIssuer?: string | undefined
  readonly providerUserId?: string | undefined
  readonly status: UserStatus
  readonly role: UserRole
  /** Epoch seconds. */
  readonly createdAt: number
  readonly lastLoginAt?: number | undefined
  readonly updatedAt: number
}

/** An identity that signed in, for {@link UserStore.signIn}. */
export interface SignedInIdentity {
  readonly provider: string
  readonly issuer: string
  readonly subject: string
  /** Only when verified by the rules of the provider. */
  readonly email?: string | undefined
  readonly name?: string | undefined
  readonly picture?: string | undefined
}

/** Who made a change, for the audit trail. */
export type ChangeActor = NonNullable<AuditInput['actor']>

/** How many users there are. */
export interface UserCounts {
  /** Without invitations. */
  readonly users: number
  readonly suspended: number
  readonly invited: number
}

/** Users and invitations. Every change is audited in its transaction. */
export interface UserStore {
  find(userId: string): Promise<UserProfile | undefined>
  /**
   * As `find`. In a transaction the user is also held as it is until the end of that: suspending, removing
   * and ending of all its sessions wait.
   */
  hold(userId: string): Promise<UserProfile | undefined>
  /** Users and the invitation with an e-mail, at most 10. */
  findByEmail(email: string): Promise<readonly UserProfile[]>
  /** Locks all active admins until the end of the transaction. */
  lockAdmins(): Promise<readonly UserProfile[]>
  findByIdentity(issuer: string, subject: string): Promise<UserProfile | undefined>
  /** The open invitation of a verified e-mail, bound at the first sign-in. */
  findInvitation(email: string): Promise<UserProfile | undefined>
  /**
   * Creates or updates the profile of an identity, binds an invitation of its e-mail, and counts the
   * sign-in. Parallel first sign-ins of one identity give one profile.
   */
  signIn(identity: SignedInIdentity): Promise<UserProfile>
  /** Creates an invitation; one per e-mail. */
  invite(
    email: string,
    options?: {
      readonly role?: UserRole | undefined
      readonly name?: string | undefined
      readonly actor?: ChangeActor | undefined
    },
  ): Promise<UserProfile>
  setStatus(
    userId: string,
    status: 'active' | 'suspended',
    actor?: ChangeActor,
  ): Promise<UserProfile | undefined>
  setRole(userId: string, role: UserRole, actor?: ChangeActor): Promise<UserProfile | undefined>
  /** Removes the profile. What else belongs to the user is the caller's to remove first. */
  remove(userId: string, actor?: ChangeActor): Promise<boolean>
  list(options?: {
    readonly after?: string | undefined
    readonly limit?: number | undefined
    readonly status?: UserStatus | undefined
  }): Promise<readonly UserProfile[]>
  count(): Promise<UserCounts>
  /** Distinct users who signed in or were issued a token in the last `days`. */
  countActive(days: number): Promise<number>
}
