import type { Storage } from '../storage/storage.js'

/** Who is invited as an admin at the first start. */
export interface FirstAdmin {
  /** Address that the first sign-in has to prove. */
  readonly email: string
  /** Shown until the first sign-in. */
  readonly name?: string | undefined
}

/**
 * Invites the first admin, unless the address is known in whatever role and status: who was suspended or
 * is no admin any more stays so.
 */
export async function inviteFirstAdmin(
  storage: Storage,
  { email, name }: FirstAdmin,
): Promise<void> {
  const actor = { issuer: 'application', subject: 'firstAdmin' }
  await storage.transaction(async () => {
    if ((await storage.users.findByEmail(email)).length > 0) return
    await storage.users.invite(email, { role: 'admin', name, actor })
  })
}
