/**
 * Freezes a JSON value and everything in it. With a list of its own instead of recursion: claims may
 * be nested thousands of levels deep.
 */
export function deepFreeze<Value>(value: Value): Value {
  const pending: unknown[] = [value]
  while (pending.length > 0) {
    const next = pending.pop()
    if (typeof next !== 'object' || next === null) continue
    Object.freeze(next)
    for (const member of Object.values(next)) {
      if (typeof member === 'object' && member !== null) pending.push(member)
    }
  }
  return value
}
