import { ConfigurationError, type ConfigurationProblem } from '@bestviable/mcp-auth-middleware'
import * as z from 'zod/mini'
import { describeIssue } from '../describe-issue.js'
import type { Html } from './html.js'
import { isLinkUrl } from './link-url.js'
import { parseLogo } from './logo.js'
import type { Brand } from './pages.js'
import { buildPalettes, type Palettes } from './palette.js'
import { DEFAULT_TEXTS, placeholdersOf, type TextName, type Texts } from './texts.js'

const SUBJECT = 'createPages'
const MAX_TEXT = 500
/** Characters of the name of a brand. */
export const MAX_NAME = 60

/** Options for {@link createPages}. */
export interface PagesOptions {
  readonly brand: Brand
  /** Texts to use in place of `DEFAULT_TEXTS`. Plain text; unknown names and placeholders are refused. */
  readonly texts?: Partial<Texts> | undefined
}

/** Checked options. */
export interface ParsedPagesOptions {
  readonly name: string
  readonly logo: Html | undefined
  readonly supportUrl: string | undefined
  readonly palettes: Palettes
  readonly texts: Texts
}

// Controls, and the characters that reorder what stands around them.
const NOT_PLAIN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  /[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u

const isPlain = (limit: number) => (value: unknown) =>
  typeof value === 'string' &&
  value.trim() !== '' &&
  value.length <= limit &&
  !NOT_PLAIN.test(value)

const text = (limit: number) =>
  z.custom<string>(isPlain(limit), {
    error: `must be plain text of 1 to ${limit} characters, without line breaks`,
  })
const color = z.optional(z.string({ error: 'must be #rrggbb, #rgb or rgb(r, g, b)' }))

function describeLogo(value: unknown): string {
  const result = parseLogo(typeof value === 'string' ? value : '')
  return result.ok ? '' : result.message
}

const Options = z.strictObject({
  brand: z.strictObject(
    {
      name: text(MAX_NAME),
      logo: z.optional(
        z.custom<string>((value) => typeof value === 'string' && parseLogo(value).ok, {
          error: ({ input }) => describeLogo(input),
        }),
      ),
      colors: z.optional(
        z.strictObject({
          accent: color,
          accentText: color,
          accentDark: color,
          accentTextDark: color,
        }),
      ),
      supportUrl: z.optional(
        z.custom<string>((value) => typeof value === 'string' && isLinkUrl(value), {
          error: 'must be an https or mailto URL',
        }),
      ),
    },
    { error: (issue) => (issue.code === 'invalid_type' ? 'must be an object' : undefined) },
  ),
  texts: z.optional(z.record(z.string(), z.unknown(), { error: 'must be an object' })),
})

function isLanguage(value: string): boolean {
  try {
    return Intl.getCanonicalLocales(value).length === 1
  } catch {
    return false
  }
}

function isTextName(name: string): name is TextName {
  return Object.hasOwn(DEFAULT_TEXTS, name)
}

function findTextProblem(name: string, value: unknown): string | undefined {
  if (!isTextName(name)) return 'unknown text; check its spelling'
  if (typeof value !== 'string' || !isPlain(MAX_TEXT)(value)) {
    return `must be plain text of 1 to ${MAX_TEXT} characters, without line breaks`
  }
  if (name === 'language')
    return isLanguage(value) ? undefined : 'must be a language tag such as "de"'
  const known = placeholdersOf(DEFAULT_TEXTS[name])
  const unknown = placeholdersOf(value).filter((placeholder) => !known.includes(placeholder))
  if (unknown.length > 0) {
    const choice = known.length === 0 ? 'it has none' : `it has {${known.join('}, {')}}`
    return `has the placeholder {${unknown[0]?.slice(0, 40)}}; ${choice}`
  }
  return undefined
}

function parseTexts(given: readonly [string, unknown][], problems: ConfigurationProblem[]): Texts {
  const texts: Record<string, string> = { ...DEFAULT_TEXTS }
  for (const [name, value] of given) {
    if (value === undefined) continue
    const message = findTextProblem(name, value)
    if (message !== undefined) problems.push({ path: `texts.${name}`, message })
    else texts[name] = String(value)
  }
  // Every name of the defaults is there, and no other one got in.
  return texts as unknown as Texts
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : []
}

function checkPagesOptions(
  options: unknown,
  problems: ConfigurationProblem[],
): ParsedPagesOptions | undefined {
  const parsed = Options.safeParse(options)
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap(describeIssue))
  const given = Object.fromEntries(entriesOf(options))
  const colors = entriesOf(Object.fromEntries(entriesOf(given.brand)).colors)
  const palettes = buildPalettes(
    Object.fromEntries(colors.filter(([, value]) => typeof value === 'string')),
    problems,
  )
  const texts = parseTexts(entriesOf(given.texts), problems)
  if (!parsed.success) return undefined
  const { name, logo, supportUrl } = parsed.data.brand
  const checked = logo === undefined ? undefined : parseLogo(logo)
  return { name, logo: checked?.ok ? checked.logo : undefined, supportUrl, palettes, texts }
}

/** Validates the options of `createPages`, colours and logo included, and names every bad one. */
export function parsePagesOptions(options: unknown): ParsedPagesOptions {
  const problems: ConfigurationProblem[] = []
  const parsed = checkPagesOptions(options, problems)
  if (parsed === undefined || problems.length > 0) throw new ConfigurationError(SUBJECT, problems)
  return parsed
}

/** What is wrong with the options `brand`, which may be left out, and `texts` of a server. */
export function pagesProblems({
  brand = { name: 'as the issuer' },
  texts,
}: {
  readonly brand?: unknown
  readonly texts?: unknown
}): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = []
  checkPagesOptions({ brand, texts }, problems)
  return problems
}
