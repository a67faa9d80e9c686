/*
 * The goals, each with its limit, the rows that it is read from, and what to say when it is missed. A
 * goal that was not measured stays in the table as a gap.
 */
import { AUTHORIZATION_SERVER_GOALS } from './goals/authorization-server.mjs'
import { GROWTH_GOALS } from './goals/growth.mjs'
import { REQUEST_GOALS } from './goals/requests.mjs'
import { START_AND_SIZE_GOALS } from './goals/start-and-size.mjs'
import { STORE_GOALS } from './goals/stores.mjs'

/**
 * Every goal: `read` returns `{ floor, peer, ours }` in the unit of the limit, all optional; `format`
 * writes one value, and `peer` names the best peer. `cause` is said when it is missed, `gap` when it
 * was not measured.
 */
const GOALS = [
  ...REQUEST_GOALS,
  ...START_AND_SIZE_GOALS,
  ...STORE_GOALS,
  ...AUTHORIZATION_SERVER_GOALS,
  ...GROWTH_GOALS,
]

/** Judges every goal: `{ number, what, floor, peer, ours, limit, verdict }` in words. */
export function judgeGoals(results) {
  return GOALS.map((goal) => {
    const { floor, peer, ours, isMet, note = '' } = goal.read(results)
    const write = (value) => (Number.isFinite(value) ? goal.format(value) : '-')
    const isMeasured = ours !== undefined && !Number.isNaN(ours)
    const met = isMeasured && (isMet ?? ours <= goal.limit)
    const missed = `**missed**: ${goal.cause}`
    return {
      number: goal.number,
      what: goal.what,
      floor: write(floor),
      peer: Number.isFinite(peer) ? `${write(peer)} (${goal.peer})` : '-',
      ours: isMeasured ? `${write(ours)}${note}` : '-',
      limit: String(goal.limit),
      isMeasured,
      isMet: met,
      verdict: isMeasured
        ? met
          ? 'met'
          : missed
        : `**not measured**${goal.gap ? `: ${goal.gap}` : ''}`,
    }
  })
}
