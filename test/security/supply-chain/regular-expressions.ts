import ts from 'typescript'
import { type Finding, findingOf } from './secret-comparisons.js'
import { nodesOf } from './source-files.js'

/** A regular expression of the sources, ready to be used. */
export interface SourceExpression extends Finding {
  readonly expression: RegExp
}

/** Every literal. Those that are made of text are {@link findMadeExpressions}. */
export function findExpressions(files: readonly ts.SourceFile[]): readonly SourceExpression[] {
  return files
    .flatMap(nodesOf)
    .filter(ts.isRegularExpressionLiteral)
    .map((node) => {
      const end = node.text.lastIndexOf('/')
      const expression = new RegExp(node.text.slice(1, end), node.text.slice(end + 1))
      return { ...findingOf(node), expression }
    })
}

/** `new RegExp(…)`, whose text is not known here. */
export function findMadeExpressions(files: readonly ts.SourceFile[]): readonly Finding[] {
  return files
    .flatMap(nodesOf)
    .filter((node) => ts.isNewExpression(node) || ts.isCallExpression(node))
    .filter(({ expression }) => ts.isIdentifier(expression) && expression.text === 'RegExp')
    .map(findingOf)
}

/** What is repeated: the four of P02, and what occurs in the formats that we parse. */
const UNITS: readonly string[] = [
  'a',
  ' ',
  ', "',
  '%',
  '0',
  '.',
  '-',
  '/',
  '=',
  '*',
  '_',
  ':',
  ';',
  ',',
  '"',
  '\\',
  '@',
  '<',
  '{',
  '$',
  '\n',
  '\t',
  'a.',
  'a@',
  'a=b; ',
  '<a ',
  '%2',
  'é',
]
/** The beginning may let an expression in, and the end may make it fail late. */
const FRAMES: readonly (readonly [start: string, end: string])[] = [
  ['', '\0'],
  ['a', '!'],
  ['"', '\0'],
  ['https://a', '\0'],
]
/** Small first, since an exponential expression takes seconds for 24 and never comes back from more. */
const LENGTHS = [20, 24, 1000, 5000, 50_000] as const
const BOUND_MILLISECONDS = 5
const ATTEMPTS = 5
/** No busy machine makes a fast one take this long. */
const HOPELESS_MILLISECONDS = 150

/** Every text, made once: to make it takes longer than most expressions need for it. */
const TEXTS = LENGTHS.flatMap((length) =>
  UNITS.flatMap((unit) => {
    const middle = unit.repeat(Math.ceil(length / unit.length))
    return FRAMES.map(([start, end]) => ({ length, unit, text: start + middle + end }))
  }),
)

/** The best of several times, since a busy machine only makes a time longer. */
function bestTime(run: () => void): number {
  let best = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < ATTEMPTS && best > BOUND_MILLISECONDS; attempt += 1) {
    const start = performance.now()
    run()
    const time = performance.now() - start
    best = Math.min(best, time)
    if (time > HOPELESS_MILLISECONDS && attempt > 0) break
  }
  return best
}

/** What a text of at most 50,000 characters makes slow, or undefined (P02). */
export function findSlowText(expression: RegExp): string | undefined {
  for (const { length, unit, text } of TEXTS) {
    const time = bestTime(() => {
      expression.lastIndex = 0
      expression.test(text)
    })
    if (time <= BOUND_MILLISECONDS) continue
    return `${time.toFixed(1)} ms for ${length} characters of ${JSON.stringify(unit)}`
  }
  return undefined
}
