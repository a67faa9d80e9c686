/** The lower quartile: other work on the machine only adds, so that the middle moves more than this. */
export function typical(values) {
  return values.toSorted((left, right) => left - right)[values.length >> 2]
}

/** Of samples that were taken in turns. */
export function ratioOf(samples, reference) {
  return typical(samples) / typical(reference)
}
