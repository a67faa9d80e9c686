import { median } from '../lib/program.mjs'

/** Ratios of neighbours in time, then the median: less noise than a ratio of medians. */
export function ratioOf(samples, reference) {
  return median(samples.map((each, round) => each / reference[round]))
}

/** One comparison with its limit. */
export function compare(what, of, ratio, limit) {
  return { what, of, ratio, limit, met: ratio <= limit }
}
