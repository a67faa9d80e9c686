import { hostname } from 'node:os'
import type { RawResponse } from '../../../packages/mcp-auth-middleware/test/black-box/raw-http.js'
import type { Canaries } from '../harness/canaries.js'

/** Traces of the inside of a program: stacks, files, modules, addresses and names of the machine. */
const INTERNALS: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['a stack', /\bat (?:async )?[\w.<>]+ \(|\n\s+at /],
  ['a file', /\.(?:m?js|ts):\d+/],
  ['a folder of modules', /node_modules|file:\/\//],
  ['an error class', /\b(?:Type|Range|Syntax|Reference|Auth|Store\w*)Error\b/],
  ['an error code', /\bE(?:CONNREFUSED|CONNRESET|PIPE|RR_\w+)\b/],
  ['a loopback address', /\b127\.0\.0\.1\b|\blocalhost\b/],
]

/** What an answer gives away that it must not. */
export function leaksOf(response: RawResponse, canaries: readonly Canaries[]): readonly string[] {
  const texts = [
    ['header', response.fields.map((field) => field.join(': ')).join('\n')],
    ['body', response.text],
  ] as const
  const name = hostname()
  return texts.flatMap(([place, text]) => [
    ...canaries.flatMap((each) => each.scan(place, text).map((hit) => `${hit.name} in ${place}`)),
    ...INTERNALS.filter(([, pattern]) => pattern.test(text)).map(([what]) => `${what} in ${place}`),
    ...(name.length > 3 && text.includes(name) ? [`the name of the machine in ${place}`] : []),
  ])
}

/** The answer as it must be under every `NODE_ENV`, byte for byte: all but the time. */
export function comparable({ status, fields, text, complete }: RawResponse): string {
  const kept = fields.filter(([name]) => name !== 'date')
  return JSON.stringify([status, kept, text, complete])
}
