const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
}

// Control characters, and those that reorder the text around them, show as a replacement character.
const INVISIBLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu

/** Markup that is safe to send as it stands. Made by {@link html} only. */
export class Html {
  readonly #markup: string

  /** @internal Use {@link html}, or {@link trustedHtml} for markup that was checked. */
  constructor(markup: string) {
    this.#markup = markup
  }

  toString(): string {
    return this.#markup
  }
}

/** What may stand in a template. `undefined` and `false` are nothing, so that parts can be optional. */
export type HtmlValue = string | number | Html | undefined | false | readonly HtmlValue[]

/** Escapes text for a text node or for an attribute in quotes. */
export function escapeHtml(text: string): string {
  return text.replace(INVISIBLE, '\ufffd').replace(/[&<>"'`]/g, (found) => ESCAPES[found] ?? '')
}

/** Marks text as markup. For the style sheet and for a logo that was checked, and nothing else. */
export function trustedHtml(markup: string): Html {
  return new Html(markup)
}

function renderValue(value: HtmlValue): string {
  if (value === undefined || value === false) return ''
  if (value instanceof Html) return value.toString()
  if (typeof value === 'string') return escapeHtml(value)
  if (typeof value === 'number') return String(value)
  return value.map(renderValue).join('')
}

// A template's indentation is for its reader; a blank that is written as one stays.
function dropIndentation(text: string, isFirst: boolean, isLast: boolean): string {
  const start = isFirst && text.startsWith('\n') ? text.trimStart() : text
  const whole = isLast && /\n\s*$/.test(start) ? start.trimEnd() : start
  return whole.replace(/>\n\s*</g, '><').replace(/\n\s*/g, ' ')
}

/**
 * Builds markup from a template. Every value is escaped for text and for quoted attributes, unless it
 * was itself made by `html`. It does not judge URLs: see `link-url.ts`.
 *
 * @throws TypeError for an attribute without quotes, where escaping would not be enough.
 */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let markup = ''
  for (const [index, text] of strings.entries()) {
    const part = dropIndentation(text, index === 0, index === values.length)
    if (index < values.length && /=\s*$/.test(part)) {
      throw new TypeError('an attribute in a template needs quotes')
    }
    markup += part + (index < values.length ? renderValue(values[index]) : '')
  }
  return new Html(markup)
}
