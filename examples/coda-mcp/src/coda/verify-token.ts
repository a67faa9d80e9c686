import type { CodaClient } from './coda-client.js'
import { CodaError } from './errors.js'

/** Account that a Coda token belongs to. */
export interface CodaAccount {
  /** The address that Coda knows the account by. */
  readonly subject: string
  readonly email: string
  readonly name: string
}

/**
 * Asks Coda whose token this is. `undefined` when Coda does not accept it.
 *
 * @throws CodaError when Coda cannot be asked: then the token was not judged.
 */
export async function verifyCodaToken(
  coda: CodaClient,
  token: string,
  signal: AbortSignal,
): Promise<CodaAccount | undefined> {
  try {
    const { loginId, name } = await coda.whoami({ token, signal })
    return { subject: loginId.toLowerCase(), email: loginId, name }
  } catch (error) {
    const isRefused = error instanceof CodaError && (error.status === 401 || error.status === 403)
    if (isRefused) return undefined
    throw error
  }
}

const SECOND_LOOK_MILLISECONDS = 5_000

/** Tells whether Coda does not accept a token. `false` also when Coda cannot be asked now. */
export async function isRefusedByCoda(coda: CodaClient, token: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(SECOND_LOOK_MILLISECONDS)
    return (await verifyCodaToken(coda, token, signal)) === undefined
  } catch {
    return false
  }
}
