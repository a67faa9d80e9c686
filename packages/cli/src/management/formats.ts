/** A time in epoch seconds, for people. */
export function formatTime(epochSeconds: number | undefined): string {
  if (epochSeconds === undefined) return '-'
  return new Date(epochSeconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** A name that was typed, in a message about what it names. */
export function quoteName(name: string): string {
  return JSON.stringify(name.slice(0, 200))
}
