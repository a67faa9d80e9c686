import type { CodaTool } from './tool.js'

/** Scopes of this server, with the words that consent pages show. */
export const codaScopes = {
  'coda.read': 'Read your Coda docs',
  'coda.write': 'Change your Coda docs',
} as const

export type CodaScope = keyof typeof codaScopes

/** `coda.write` is enough for everything that needs `coda.read`. */
export const impliedScopes: Readonly<Record<string, readonly CodaScope[]>> = {
  'coda.write': ['coda.read'],
}

/** The scope that a tool needs: reading tools `coda.read`, all others `coda.write`. */
export function scopeOf(tool: Pick<CodaTool, 'annotations'>): CodaScope {
  return tool.annotations.readOnlyHint ? 'coda.read' : 'coda.write'
}

/** Tool name to scopes, in the form that the `scopes.tools` option of `createMcpAuth` takes. */
export function scopesByTool(tools: readonly CodaTool[]): Record<string, CodaScope[]> {
  return Object.fromEntries(tools.map((tool) => [tool.name, [scopeOf(tool)]]))
}
