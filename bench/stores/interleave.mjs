/**
 * Measures candidates in turns and returns their samples by label.
 *
 * Every round has an order of its own: a slice also pays for what the one before it left in the heap
 * and in the caches of the processor.
 *
 * @param measure - called with the candidate and its label; resolves with one sample.
 */
export async function interleave(candidates, { rounds, warmUpRounds }, measure) {
  const labels = Object.keys(candidates)
  const samples = Object.fromEntries(labels.map((label) => [label, []]))
  for (let round = -warmUpRounds; round < rounds; round += 1) {
    const order = labels
      .map((label) => ({ label, place: Math.random() }))
      .toSorted((left, right) => left.place - right.place)
    for (const { label } of order) {
      const sample = await measure(candidates[label], label)
      if (round >= 0) samples[label].push(sample)
    }
  }
  return samples
}
