import type { CodaTool } from './tool.js'

/** Scopes of this server, with the words that consent pages show. */
export const codaScopes = {
  'coda.read': 'Read your Coda docs',
  'coda.write': 'Change your Coda docs',
  'coda.share': 'Share and publish your Coda docs',
} as const

export type CodaScope = keyof typeof codaScopes

export function isCodaScope(value: string): value is CodaScope {
  return Object.hasOwn(codaScopes, value)
}

/**
 * `coda.write` and `coda.share` are enough for everything that needs `coda.read`. Nothing includes
 * `coda.share`: who may change a doc cannot show it to the world with that alone.
 */
export const impliedScopes: Readonly<Record<string, readonly CodaScope[]>> = {
  'coda.write': ['coda.read'],
  'coda.share': ['coda.read'],
}

/** Scopes that clients are told to ask for at first; `coda.share` is asked for when it is needed. */
export const initialScopes: readonly CodaScope[] = ['coda.read', 'coda.write']

/** The scope that a tool names; without one reading tools need `coda.read`, all others `coda.write`. */
export function scopeOf(tool: Pick<CodaTool, 'annotations' | 'scope'>): CodaScope {
  return tool.scope ?? (tool.annotations.readOnlyHint ? 'coda.read' : 'coda.write')
}

/** Tool name to scopes, in the form that the `scopes.tools` option of `createMcpAuth` takes. */
export function scopesByTool(tools: readonly CodaTool[]): Record<string, CodaScope[]> {
  return Object.fromEntries(tools.map((tool) => [tool.name, [scopeOf(tool)]]))
}
