import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { bundledInto, parseNotices } from '../report/bundled.mjs'
import { readLockFile } from './lock-file.js'
import { publishedPackages } from './manifests.js'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const packages = publishedPackages()
const lock = readLockFile()

/** Foreign packages whose files a bundler wrote into these texts, by the path that it puts above each. */
function tracesIn(texts: readonly string[]): readonly string[] {
  const found = texts.flatMap((text) => [
    ...text.matchAll(/^\/\/ .*node_modules\/((?:@[^/\s]+\/)?[^/\s]+)\//gm),
  ])
  return [...new Set(found.map(([, name]) => name ?? ''))].sort()
}

function builtTexts(folder: string, ending: string): readonly string[] {
  return readdirSync(`${ROOT}${folder}/dist`, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => readFileSync(`${ROOT}${folder}/dist/${file}`, 'utf8'))
}

describe('P14 what is bundled into a package', () => {
  it('P14 is what its notices name, and nothing else', () => {
    const traces = packages.map(({ folder }) => [folder, tracesIn(builtTexts(folder, '.js'))])
    const named = packages.map(({ folder }) => [
      folder,
      bundledInto(`${ROOT}${folder}`).map(({ name }) => name),
    ])
    expect(traces).toEqual(named)
    expect(traces).toContainEqual(['packages/mcp-auth-middleware', ['zod']])
    expect(traces).toContainEqual(['packages/store-postgres', ['zod']])
  })

  it('P14 is the version of the lock file, pinned as a development dependency', () => {
    for (const { folder, manifest } of packages) {
      for (const { name, version } of bundledInto(`${ROOT}${folder}`)) {
        expect(lock.packages[`node_modules/${name}`]?.version).toBe(version)
        expect(lock.packages[`${folder}/node_modules/${name}`]).toBeUndefined()
        expect(manifest.devDependencies?.[name]).toBe(version)
        expect(manifest.dependencies ?? {}).not.toHaveProperty([name])
      }
    }
  })

  it('P14 comes with its license, in a file that is published', () => {
    for (const { folder, manifest } of packages) {
      for (const { name } of bundledInto(`${ROOT}${folder}`)) {
        const notices = readFileSync(`${ROOT}${folder}/THIRD-PARTY-NOTICES.md`, 'utf8')
        const license = readFileSync(`${ROOT}node_modules/${name}/LICENSE`, 'utf8').trim()
        expect(license).toMatch(/copyright/i)
        expect(notices).toContain(license)
        expect(manifest.files).toContain('THIRD-PARTY-NOTICES.md')
      }
    }
  })

  it('P14 is not named by the types, which would need it installed', () => {
    for (const { folder } of packages) {
      const { exports } = JSON.parse(readFileSync(`${ROOT}${folder}/package.json`, 'utf8'))
      const entries = Object.keys(exports).filter((entry) => entry !== './package.json')
      for (const { name } of bundledInto(`${ROOT}${folder}`)) {
        const types = builtTexts(folder, '.d.ts')
        expect(types.length).toBeGreaterThanOrEqual(entries.length)
        expect(types.join('').length).toBeGreaterThan(10_000)
        expect(types.filter((text) => new RegExp(`\\b${name}\\b`).test(text))).toEqual([])
      }
    }
  })

  it.each([
    ['// ../../node_modules/zod/v4/core/util.js\nvar a = 1', ['zod']],
    [
      '// node_modules/@scope/name/index.js\n\n// node_modules/.a/node_modules/b/c.js',
      ['@scope/name', 'b'],
    ],
    ['// src/zod.ts\nconst text = "// node_modules/zod/x.js"', []],
  ])('P14 finds the traces in %s', (text, names) => {
    expect(tracesIn([text])).toEqual(names)
  })

  it('P14 reads the headings of notices', () => {
    expect(parseNotices('# Notices\n\n## zod 4.6.7\n\n## Other things\n\n### a 1.0.0\n')).toEqual([
      { name: 'zod', version: '4.6.7' },
    ])
  })
})
