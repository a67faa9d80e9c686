const PLAIN = /^[\w./@-]+$/

/** A control character as the shell writes it in `$'…'`, by its bytes. */
function escapeControl(character: string): string {
  return [...Buffer.from(character)]
    .map((byte) => `\\${byte.toString(8).padStart(3, '0')}`)
    .join('')
}

/** Writes a path as one word of a shell, so that pasting it runs nothing and expands nothing. */
export function shellWord(path: string): string {
  // Nothing reads it as a flag.
  const word = path.startsWith('-') ? `./${path}` : path
  if (PLAIN.test(word)) return word
  if (!/\p{Cc}/u.test(word)) return `'${word.replaceAll("'", String.raw`'\''`)}'`
  // The terminal would act on a control character.
  const escaped = word.replace(/[\\']/g, (each) => `\\${each}`)
  return `$'${escaped.replace(/\p{Cc}/gu, escapeControl)}'`
}
