/** A time in epoch seconds, for people. */
export function formatTime(epochSeconds: number | undefined): string {
  if (epochSeconds === undefined) return '-'
  return new Date(epochSeconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
}
