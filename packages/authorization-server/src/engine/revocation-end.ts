/** Slack for clocks that differ, in seconds. */
const CLOCK_SLACK = 60

/** When a revocation that is made at `now` has outlived every token, in epoch seconds. */
export function revocationEnd(now: number, longestTokenLife: number): number {
  return Math.ceil(now / 1000) + longestTokenLife + CLOCK_SLACK
}
