/** Whether a run is only to show that every program works: its numbers mean nothing. */
export const isSmoke = process.argv.includes('--smoke')

/** How much is done: the full amount, or the least that still runs every line. */
export function effort(full, smoke) {
  return isSmoke ? smoke : full
}
