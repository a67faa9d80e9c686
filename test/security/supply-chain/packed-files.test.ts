import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { publishedPackages } from './manifests.js'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const packages = publishedPackages()

const Packed = z.array(
  z.looseObject({ name: z.string(), files: z.array(z.looseObject({ path: z.string() })) }),
)

/** What npm would put into the archives, by package. Needs no network and runs no script. */
function listPackedFiles(): ReadonlyMap<string, readonly string[]> {
  const workspaces = packages.map(({ manifest }) => `--workspace=${manifest.name}`)
  const output = execFileSync(
    'npm',
    ['pack', '--dry-run', '--json', '--ignore-scripts', ...workspaces],
    { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  )
  return new Map(
    Packed.parse(JSON.parse(output)).map(({ name, files }) => [
      name,
      files.map(({ path }) => path),
    ]),
  )
}

/** Everything that is needed to run and to understand a package. */
const ALLOWED =
  /^(?:dist\/.*\.(?:js|d\.ts)|package\.json|README\.md|LICENSE|THIRD-PARTY-NOTICES\.md|CHANGELOG\.md)$/
/** Traces of what must not be published: keys, maps of sources, folders of the machine. */
const FORBIDDEN_TEXT: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['a private key', /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}/],
  ['a source map', /^\/\/# sourceMappingURL=/m],
  ['a token of npm or GitHub', /\b(?:npm_[A-Za-z0-9]{36}|gh[pousr]_[A-Za-z0-9]{36})\b/],
  ['a folder of a machine', /(?:\/home\/|\/Users\/|\/root\/)[\w.-]+\//],
]
const INSTALL_SCRIPTS = /^(?:pre|post)?(?:install|prepare|pack|publish|uninstall)$/

describe('P13 what is published', () => {
  const packed = listPackedFiles()

  it('P13 has no tests, sources, maps, keys or environment files', () => {
    expect([...packed.keys()].sort()).toEqual(packages.map(({ manifest }) => manifest.name).sort())
    for (const [name, files] of packed) {
      expect(
        files.filter((file) => !ALLOWED.test(file)),
        name,
      ).toEqual([])
      expect(files, name).toEqual(expect.arrayContaining(['package.json', 'README.md', 'LICENSE']))
      expect(
        files.some((file) => file.startsWith('dist/')),
        `${name} is built`,
      ).toBe(true)
    }
  })

  it('P13 contains nothing that belongs to who built it', () => {
    for (const { folder, manifest } of packages) {
      for (const file of packed.get(manifest.name) ?? []) {
        const text = readFileSync(`${ROOT}${folder}/${file}`, 'utf8')
        const found = FORBIDDEN_TEXT.filter(([, pattern]) => pattern.test(text))
        expect(found.map(([what]) => `${what} in ${folder}/${file}`)).toEqual([])
      }
    }
  })

  it('P13 runs no script when it is installed', () => {
    for (const { manifest } of packages) {
      const scripts = Object.keys(manifest.scripts ?? {})
      expect(
        scripts.filter((script) => INSTALL_SCRIPTS.test(script)),
        manifest.name,
      ).toEqual([])
    }
  })

  it('P13 is published with provenance, by a workflow that may sign it', () => {
    for (const { manifest } of packages) {
      expect(manifest.publishConfig?.provenance, manifest.name).toBe(true)
    }
    const workflow = readFileSync(`${ROOT}.github/workflows/release.yml`, 'utf8')
    const publish = /\n {2}publish:\n([\s\S]*?)\n {2}\w+:\n/.exec(workflow)?.[1] ?? ''
    expect(publish).toContain('id-token: write')
    expect(publish).toContain("NPM_CONFIG_PROVENANCE: 'true'")
    expect(publish).toContain('npm ci --ignore-scripts')
  })

  it.each([
    'test/some.test.ts',
    'src/index.ts',
    'dist/index.js.map',
    '.env',
    'dist/key.pem',
    'node_modules/x/index.js',
  ])('P13 would refuse %s', (file) => {
    expect(file).not.toMatch(ALLOWED)
  })
})
