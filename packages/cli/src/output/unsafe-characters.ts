// Control characters, and those that turn or hide the text around them.
const UNSAFE = /[\p{Cc}\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu

/**
 * Writes what a terminal acts on, or what turns and hides text, as `\uXXXX`. In a JSON document without
 * line breaks that leaves the values as they are.
 */
export function escapeUnsafe(text: string): string {
  return text.replace(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
