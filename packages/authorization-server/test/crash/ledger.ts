import { decodeJwt } from 'jose'
import type { Tokens } from '../engine/support/flow.js'

/** What was given for codes and refresh tokens, and to whom, over all that one test does. */
export interface Ledger {
  /** Notes that a code or refresh token of somebody was answered with tokens. */
  note(spent: string, tokens: Tokens, name: string): void
  /** Codes that were redeemed twice, and refresh tokens that were answered with different successors. */
  doubleSpends(): readonly string[]
  /** Subjects of access tokens that two people were given, or of which one person has several. */
  mixedUp(): readonly string[]
  /** Everybody starts anew, under other subjects. */
  forgetPeople(): void
}

export function createLedger(): Ledger {
  const given = new Map<string, Set<string>>()
  const doubles = new Set<string>()
  const names = new Map<string, string>()
  const subjects = new Map<string, string>()
  const mixed = new Set<string>()
  return {
    note(spent, { refresh_token: next, access_token: accessToken }, name) {
      const known = given.get(spent)
      if (known === undefined) given.set(spent, new Set([next]))
      else if (!known.has(next)) doubles.add(spent)

      const { sub = '' } = decodeJwt(accessToken)
      if ((names.get(sub) ?? name) !== name) mixed.add(`${sub} for ${name}`)
      if ((subjects.get(name) ?? sub) !== sub) mixed.add(`${name} as ${sub}`)
      names.set(sub, name)
      subjects.set(name, sub)
    },
    doubleSpends: () => [...doubles],
    mixedUp: () => [...mixed],
    forgetPeople() {
      names.clear()
      subjects.clear()
    },
  }
}
