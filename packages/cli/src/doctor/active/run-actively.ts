import { isLoopback } from '../http/addresses.js'
import { createProber, type Probe, type ProberOptions } from '../http/prober.js'
import type { Cleanup } from '../report.js'
import type { RunClock } from '../run-clock.js'
import { textOf } from '../survey/metadata-document.js'
import type { Survey } from '../survey/survey.js'
import {
  type ActiveSurvey,
  NOTHING_DONE,
  surveyActively,
  writtenEndpoints,
} from './active-survey.js'
import { cleanUp, type RemoveClients } from './clean-up.js'
import type { RegistrationAttempt } from './registration.js'
import { type IssuedTokens, revokeTokens } from './revoke.js'

/** Asks the operator whether clients may be registered at hosts. Rejects when they may not. */
export type ConfirmHosts = (hosts: readonly string[]) => Promise<void>

/** What a run needs that changes something at the authorization server. */
export interface ActiveInput {
  readonly probe: Probe
  readonly survey: Survey
  /** For the requests that undo it all, which have a clock of their own. */
  readonly prober: Omit<ProberOptions, 'signal'>
  readonly clock: RunClock
  /** Epoch milliseconds. */
  readonly startedAt: number
  readonly confirm: ConfirmHosts | undefined
  readonly removeClients: RemoveClients | undefined
}

/** What such a run found and left. */
export interface ActiveRun {
  readonly active: ActiveSurvey
  readonly cleanup: Cleanup
  /** Everything secret that it was given. */
  readonly secrets: readonly string[]
  /** Whether it ended by a fault of the doctor itself. */
  readonly isFaulty: boolean
}

/** Whoever runs the doctor on his own machine can still be led to the authorization server of somebody else. */
async function ask({ survey, clock, confirm }: ActiveInput): Promise<void> {
  const foreign = writtenEndpoints(survey).filter(({ hostname }) => !isLoopback(hostname))
  const hosts = [...new Set(foreign.map(({ host }) => host))]
  if (confirm !== undefined && hosts.length > 0) await clock.pauseFor(() => confirm(hosts))
}

function secretsOf(
  attempts: readonly RegistrationAttempt[],
  issued: readonly IssuedTokens[],
): readonly string[] {
  const names = ['client_secret', 'registration_access_token']
  const ofClients = attempts.flatMap(({ document }) => names.map((name) => textOf(document, name)))
  const all = [...ofClients, ...issued.flatMap(({ tokens }) => tokens)]
  return all.filter((each) => each !== undefined)
}

/**
 * Registers, signs in, and takes back whatever it made, also when it is interrupted.
 *
 * @throws what `confirm` rejects with, and what `removeClients` does when it cannot begin. Nothing is
 * registered then.
 */
export async function runActively(input: ActiveInput): Promise<ActiveRun> {
  const { probe, survey, prober, startedAt, removeClients } = input
  await ask(input)
  // A database that cannot be opened would leave clients behind.
  await removeClients?.([])
  const attempts: RegistrationAttempt[] = []
  const issued: IssuedTokens[] = []
  let active: ActiveSurvey
  let isFaulty = false
  try {
    active = await surveyActively(probe, survey, {
      onRegistered: (attempt) => attempts.push(attempt),
      onIssued: (each) => issued.push(each),
    })
  } catch (error) {
    isFaulty = true
    const name = error instanceof Error ? error.constructor.name : typeof error
    active = { ...NOTHING_DONE, reason: `the doctor itself failed at it (${name})` }
  }
  // With clocks of their own: what was made is removed also when the run is over.
  const fresh = (): Probe =>
    createProber({ ...prober, signal: AbortSignal.timeout(prober.deadline * 2) })
  await revokeTokens(fresh(), issued)
  const cleanup = await cleanUp(fresh(), attempts, startedAt, removeClients)
  return { active, cleanup, secrets: secretsOf(attempts, issued), isFaulty }
}
