import { type Html, html } from './html.js'
import type { Placeholder, TextName, Texts } from './texts.js'

type Values<Name extends TextName> = { readonly [Key in Placeholder<Name>]: string }
// A text without placeholders is asked for without values.
type ValuesArgument<Name extends TextName> = [Placeholder<Name>] extends [never]
  ? []
  : [values: Values<Name>]

/** Writes texts, times and durations in the language of the pages. */
export interface TextRenderer {
  readonly language: string
  readonly direction: 'ltr' | 'rtl'
  /** As markup; every value is isolated, so that its writing direction cannot move its neighbours. */
  text<Name extends TextName>(name: Name, ...values: ValuesArgument<Name>): Html
  /** As plain text, for `<title>`. */
  plain<Name extends TextName>(name: Name, ...values: ValuesArgument<Name>): string
  /** A moment in epoch seconds, in UTC; `undefined` when there was none. */
  time(epochSeconds: number | undefined): Html
  /** A duration in words. */
  duration(seconds: number): string
}

const RIGHT_TO_LEFT = new Set(['ar', 'ckb', 'dv', 'fa', 'he', 'ps', 'sd', 'ug', 'ur', 'yi'])
const LAST_SECOND = 8_640_000_000_000

/** Creates the writer of one set of texts. */
export function createTextRenderer(texts: Texts): TextRenderer {
  const { language } = texts
  const times = new Intl.DateTimeFormat(language, {
    dateStyle: 'medium',
    timeStyle: 'short',
    timeZone: 'UTC',
  })
  const [base = language] = language.toLowerCase().split('-')
  const findValue = (values: Readonly<Record<string, string>> | undefined, name: string) =>
    values !== undefined && Object.hasOwn(values, name) ? values[name] : undefined

  return {
    language,
    direction: RIGHT_TO_LEFT.has(base) ? 'rtl' : 'ltr',
    text(name, ...[values]) {
      // Odd parts are the names of placeholders.
      const parts = texts[name].split(/\{([^{}]*)\}/).map((part, index) => {
        if (index % 2 === 0) return part
        const value = findValue(values, part)
        return value !== undefined && html`<bdi>${value}</bdi>`
      })
      return html`${parts}`
    },
    plain: (name, ...[values]) =>
      texts[name].replace(/\{([^{}]*)\}/g, (_, part: string) => findValue(values, part) ?? ''),
    time(epochSeconds) {
      if (epochSeconds === undefined || !(Math.abs(epochSeconds) <= LAST_SECOND)) {
        return html`${texts.accountNever}`
      }
      const date = new Date(epochSeconds * 1000)
      return html`<time datetime="${date.toISOString()}">${times.format(date)} UTC</time>`
    },
    duration(seconds) {
      const whole = Math.max(1, Math.ceil(seconds))
      const unit = whole > 120 ? 'minute' : 'second'
      const value = unit === 'minute' ? Math.ceil(whole / 60) : whole
      return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(
        value,
      )
    },
  }
}
