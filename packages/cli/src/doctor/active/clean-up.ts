import { isAuthError } from '@bestviable/mcp-auth-middleware'
import type { Probe } from '../http/prober.js'
import type { Cleanup } from '../report.js'
import { textOf } from '../survey/metadata-document.js'
import type { RegistrationAttempt } from './registration.js'

/**
 * Removes clients that a run registered, by the management of the server. Resolves with the ids of those
 * that it removed. Must remove nothing else. Called without an id first, to see that it can be done.
 */
export type RemoveClients = (clientIds: readonly string[]) => Promise<readonly string[]>

/** Clocks of servers that are a little late. */
const TOLERANCE_SECONDS = 300

/** Whether the answer is about a client that was there before this run, which is not ours to remove. */
function isOlder({ document }: RegistrationAttempt, startedAt: number): boolean {
  const issuedAt = document?.client_id_issued_at
  return typeof issuedAt === 'number' && issuedAt < startedAt / 1000 - TOLERANCE_SECONDS
}

/** Removes one client as RFC 7592 section 2.3 says. */
async function removeByItself(probe: Probe, attempt: RegistrationAttempt): Promise<boolean> {
  const { document, exchange } = attempt
  const url = textOf(document, 'registration_client_uri')
  const token = textOf(document, 'registration_access_token')
  if (url === undefined || token === undefined || !URL.canParse(url)) return false
  // The token is for the server that gave it.
  if (new URL(url).origin !== exchange.url.origin) return false
  const headers = { authorization: `Bearer ${token}` }
  const { answer } = await probe({ method: 'DELETE', url, headers, isFresh: true })
  return answer !== undefined && (answer.status === 204 || answer.status === 200)
}

function nameOf(error: unknown): string {
  if (isAuthError(error)) return error.code
  return error instanceof Error ? error.constructor.name : typeof error
}

/** Removes every client of a run, in the way that the server offers or by its management. */
export async function cleanUp(
  probe: Probe,
  attempts: readonly RegistrationAttempt[],
  startedAt: number,
  removeClients: RemoveClients | undefined,
): Promise<Cleanup> {
  const own = new Map(
    attempts.flatMap((each) =>
      each.clientId === undefined || isOlder(each, startedAt) ? [] : [[each.clientId, each]],
    ),
  )
  const removed = new Set<string>()
  await Promise.all(
    [...own].map(async ([id, attempt]) => {
      if (await removeByItself(probe, attempt)) removed.add(id)
    }),
  )
  const rest = [...own.keys()].filter((id) => !removed.has(id))
  let failure: string | undefined
  if (removeClients !== undefined && rest.length > 0) {
    try {
      for (const id of await removeClients(rest)) removed.add(id)
    } catch (error) {
      // The ids are worth more than the error: without them nobody finds the clients again.
      failure = `the database could not be used: ${nameOf(error)}`
    }
  }
  const left = [...own.keys()].filter((id) => !removed.has(id))
  return { registered: own.size, removed: own.size - left.length, left, failure }
}
