import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const main = readFileSync(new URL('../dist/main.js', import.meta.url), 'utf8')
const loadedAtStart = [...main.matchAll(/^(?:import|export)\b[^'"]*['"]([^'"]+)['"]/gm)].map(
  ([, name]) => name,
)
const loadedWhenUsed = [...main.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)].map(([, name]) => name)

describe('dist/main.js', () => {
  it('loads what needs a database or Infisical only where it is used', () => {
    const heavy = [
      '@bestviable/mcp-authorization-server',
      '@bestviable/mcp-auth-store-postgres',
      '@bestviable/mcp-auth-store-infisical',
    ]
    expect(loadedAtStart).toContain('@bestviable/mcp-auth-middleware')
    for (const name of heavy) {
      expect(loadedAtStart).not.toContain(name)
      expect(loadedWhenUsed).toContain(name)
    }
  })
})
