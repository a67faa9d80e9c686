import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const dist = fileURLToPath(new URL('../../dist/', import.meta.url))

/** Every module that a built file loads, by its own imports and those of the files that it imports. */
function importsOf(entry: string): Set<string> {
  const seen = new Set<string>()
  const names = new Set<string>()
  const visit = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    const text = readFileSync(file, 'utf8')
    for (const [, name = ''] of text.matchAll(/(?:from|import)\s*\(?\s*["']([^"'\n]+)["']/g)) {
      if (name.startsWith('.')) visit(join(dirname(file), name))
      else names.add(name)
    }
  }
  visit(join(dist, entry))
  return names
}

describe.skipIf(!existsSync(join(dist, 'management.js')))('the built subpath ./management', () => {
  it('loads nothing of the protocol engine, and none of the sign-ins', () => {
    const names = [...importsOf('management.js')]
    expect(names).toContain('@bestviable/mcp-auth-store-postgres')
    expect(names.filter((name) => /oidc-provider|openid-client|koa|jose/.test(name))).toEqual([])
    expect([...importsOf('index.js')]).toContain('oidc-provider')
  })
})
