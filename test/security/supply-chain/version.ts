/** Compares two exact versions: negative when the left one is older. A pre-release is older. */
export function compareVersions(left: string, right: string): number {
  const [leftNumbers, leftTag] = partsOf(left)
  const [rightNumbers, rightTag] = partsOf(right)
  for (const [index, number] of leftNumbers.entries()) {
    const difference = number - (rightNumbers[index] ?? 0)
    if (difference !== 0) return difference
  }
  if (leftTag === rightTag) return 0
  if (leftTag === undefined) return 1
  if (rightTag === undefined) return -1
  return leftTag < rightTag ? -1 : 1
}

function partsOf(version: string): [numbers: readonly number[], tag: string | undefined] {
  const match = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/.exec(version)
  if (match === null) throw new TypeError(`not an exact version: ${JSON.stringify(version)}`)
  const [, major, minor, patch, tag] = match
  return [[Number(major), Number(minor), Number(patch)], tag]
}

/** The oldest version that a range of ours allows: `^1.2.3`, `~1.2.3` or `1.2.3`, and no other form. */
export function lowestOf(range: string): string {
  const lowest = range.replace(/^[~^]/, '')
  partsOf(lowest)
  return lowest
}
