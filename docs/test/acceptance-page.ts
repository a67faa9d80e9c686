import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './snippets.js'

/** A variable that a step takes from an earlier answer. */
export interface Export {
  readonly name: string
  readonly member: string
  readonly from: 'answer' | 'address'
}

/** What a step has to answer. */
export interface Answer {
  readonly kind: 'http' | 'text'
  readonly text: string
}

/** A block of commands with the answer below it. */
export interface Step {
  readonly exports: readonly Export[]
  /** Without `export` lines; empty when there are only those. */
  readonly commands: string
  readonly answer: Answer | undefined
}

const PAGE = 'docs/reference/acceptance-commands.md'
const EXPORT = /^export (\w+)=\S* # "(\w+)" of the (answer|address)$/

/** The steps of `docs/reference/acceptance-commands.md`, in order. */
export function acceptanceSteps(): Step[] {
  const text = readFileSync(join(ROOT, PAGE), 'utf8')
  const blocks = [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
  return blocks.flatMap(([, language = '', code = ''], index) => {
    if (language !== 'sh') return []
    const lines = code.trimEnd().split('\n')
    const exports = lines.flatMap((line): Export[] => {
      const [, name = '', member = '', from] = EXPORT.exec(line) ?? []
      return from === 'answer' || from === 'address' ? [{ name, member, from }] : []
    })
    const commands = lines.filter((line) => !line.startsWith('export ')).join('\n')
    const [, kind, answer = ''] = blocks[index + 1] ?? []
    return [
      {
        exports,
        commands,
        answer:
          commands !== '' && (kind === 'http' || kind === 'text')
            ? { kind, text: answer.trimEnd() }
            : undefined,
      },
    ]
  })
}

/** One HTTP message of `curl -i`. */
export interface Message {
  readonly status: string
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** Reads what `curl -i` prints, and what the page shows of it. */
export function parseMessage(text: string): Message {
  const [head = '', ...rest] = text.replaceAll('\r', '').split('\n\n')
  const [status = '', ...fields] = head.split('\n')
  const headers = fields.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  })
  return { status, headers: new Map(headers), body: rest.join('\n\n').trim() }
}

function fits(pattern: string, value: string): boolean {
  const parts = pattern.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(value)
}

/**
 * Compares a value with the page: `…` stands for any text, alone for anything, and times in epoch
 * seconds for any other such time.
 */
export function differences(shown: unknown, actual: unknown, place = 'body'): string[] {
  if (shown === '…') return actual === undefined ? [`${place} is missing`] : []
  if (typeof shown === 'string' && typeof actual === 'string') {
    return fits(shown, actual) ? [] : [`${place} is ${JSON.stringify(actual)}`]
  }
  if (typeof shown === 'number' && typeof actual === 'number' && shown > 1e9 && actual > 1e9) {
    return []
  }
  if (typeof shown !== 'object' || typeof actual !== 'object' || shown === null || !actual) {
    return Object.is(shown, actual) ? [] : [`${place} is ${JSON.stringify(actual)}`]
  }
  const names = new Set([...Object.keys(shown), ...Object.keys(actual)])
  return [...names].flatMap((name) =>
    differences(Reflect.get(shown, name), Reflect.get(actual, name), `${place}.${name}`),
  )
}

/** Every difference between an answer of the page and what was printed. */
export function answerDifferences({ kind, text }: Answer, printed: string): string[] {
  if (kind === 'text') return differences(text, printed.trimEnd().replace(/ +$/gm, ''), 'output')
  const [shown, actual] = [parseMessage(text), parseMessage(printed)]
  const found = differences(shown.status, actual.status, 'status')
  for (const [name, value] of shown.headers) {
    found.push(...differences(value, actual.headers.get(name), name))
  }
  if (shown.body === '') return found
  return [...found, ...differences(JSON.parse(shown.body), JSON.parse(actual.body || 'null'))]
}
