/**
 * Whether tests run at full length: every night with `TEST_ALL_PROFILES=1`, and for the figures of the
 * security report. By day a suite that holds one rule to many samples, or many stores to one contract, takes
 * fewer of them.
 */
export const isLongForm =
  process.env.TEST_ALL_PROFILES === '1' || (process.env.SECURITY_FIGURES ?? '') !== ''
