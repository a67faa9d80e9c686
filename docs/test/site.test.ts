import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Application } from 'typedoc'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { listEntryPoints } from '../.vitepress/entry-points.mjs'
import { REPOSITORY, siteLink, slugify } from '../.vitepress/links.js'
import { buildSidebar, listPages } from '../.vitepress/sidebar.js'
import { anchorsOf } from './documents.js'
import { ROOT } from './snippets.js'

const docs = join(ROOT, 'docs')
const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A folder with one page for each path. */
function docsWith(...pages: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'docs-'))
  folders.push(folder)
  for (const page of pages) {
    mkdirSync(dirname(join(folder, page)), { recursive: true })
    writeFileSync(join(folder, page), `# Page \`${page}\`\n`)
  }
  return folder
}

describe('the navigation of the site', () => {
  it('has every page of docs/ once, and leads nowhere else', () => {
    const links = buildSidebar(docs).flatMap(({ items }) => items.map(({ link }) => link))
    const pages = listPages(docs).filter((path) => path !== 'index.md')
    expect(pages.length).toBeGreaterThan(40)
    expect([...links].sort()).toEqual(
      pages.map((path) => `/${path.replace(/(?:index)?\.md$/, '')}`).sort(),
    )
  })

  it('takes up a new page by itself, behind those that have a place', () => {
    const folder = docsWith('index.md', 'guides/b.md', 'guides/a.md', 'test/no-page.md')
    const groups = [{ title: 'Guides', pages: ['guides/b.md'], rest: /^guides\// }]
    expect(buildSidebar(folder, groups)).toEqual([
      {
        text: 'Guides',
        collapsed: false,
        items: [
          { text: 'Page guides/b.md', link: '/guides/b' },
          { text: 'Page guides/a.md', link: '/guides/a' },
        ],
      },
    ])
  })

  it('fails for a page that fits nowhere, and for a place without a page', () => {
    const folder = docsWith('notes/a.md')
    expect(() => buildSidebar(folder, [])).toThrow(
      'no group of order.ts has a place for notes/a.md',
    )
    const groups = [{ title: 'Notes', pages: ['notes/b.md'], rest: /^notes\// }]
    expect(() => buildSidebar(folder, groups)).toThrow('pages that do not exist: notes/b.md')
  })
})

describe('siteLink()', () => {
  const page = join(docs, 'guides/mounting.md')

  it.each([
    ['validators.md#presets', 'validators.md#presets'],
    ['../reference/errors.md', '../reference/errors.md'],
    ['../images/site-home.png', '../images/site-home.png'],
    ['#sessions', '#sessions'],
    ['https://example.com/a.md', 'https://example.com/a.md'],
    ['../../README.md', `${REPOSITORY}/blob/main/README.md`],
    [
      '../../examples/coda-mcp/README.md#x',
      `${REPOSITORY}/blob/main/examples/coda-mcp/README.md#x`,
    ],
    ['../../examples/coda-mcp', `${REPOSITORY}/tree/main/examples/coda-mcp`],
    ['../reference/requirements.json', `${REPOSITORY}/blob/main/docs/reference/requirements.json`],
  ])('makes of %s %s', (target, expected) => {
    expect(siteLink(docs, page, target)).toBe(expected)
  })

  it('uses the address that the packages are published with', () => {
    const manifest = readFileSync(join(ROOT, 'packages/mcp-auth-middleware/package.json'), 'utf8')
    expect(manifest).toContain(`"git+${REPOSITORY}.git"`)
  })
})

describe('slugify()', () => {
  it.each(['Before a pull request', 'OIDC and JWT', '`dpop` & more: a (b)', 'DR-20', 'Été 2'])(
    'makes the anchor of %j that GitHub makes',
    (heading) => {
      expect([...anchorsOf(`# ${heading}`)]).toEqual([slugify(heading)])
    },
  )
})

interface TypeDocOptions {
  readonly [name: string]: unknown
}

const SAMPLE = `/** Sample. @module */
/** Nested. */
export interface DeepOptions {
  /** Said. */
  readonly loud: string
  readonly mute: string
  readonly inner: {
    /** Said. */
    readonly loud: string
    readonly mute: string
  }
}
export function undocumented(): void {}
/** Takes {@link DeepOptions} and leads {@link nowhere}. */
export function documented(options: DeepOptions): void {
  void options
}
`

describe('the API reference', () => {
  it('is made from the sources of everything that can be imported', () => {
    const entries = listEntryPoints()
    expect(entries.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        '@bestviable/mcp-auth-middleware',
        '@bestviable/mcp-auth-middleware/testing',
        '@bestviable/mcp-authorization-server/management',
      ]),
    )
    const missing = entries.filter(({ source }) => !existsSync(join(ROOT, source)))
    expect(missing).toEqual([])
  })

  it('fails for an export or option without a docstring, and for a link to nothing', async () => {
    const path = join(docs, '.vitepress/typedoc.config.mjs')
    const { default: options } = (await import(path)) as { readonly default: TypeDocOptions }
    expect(options).toMatchObject({
      packagesRequiringDocumentation: [...new Set(listEntryPoints().map((each) => each.package))],
      plugin: expect.arrayContaining(['./check-options.mjs']),
      treatValidationWarningsAsErrors: true,
    })
    const folder = mkdtempSync(join(tmpdir(), 'typedoc-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'package.json'), '{ "name": "sample", "version": "1.0.0" }')
    const compilerOptions = { module: 'nodenext', strict: true, types: [], noLib: false }
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['sample.ts'] }),
    )
    writeFileSync(join(folder, 'sample.ts'), SAMPLE)
    const app = await Application.bootstrapWithPlugins({
      ...options,
      entryPoints: [join(folder, 'sample.ts')],
      tsconfig: join(folder, 'tsconfig.json'),
      plugin: ['typedoc-plugin-markdown', join(docs, '.vitepress/check-options.mjs')],
      packagesRequiringDocumentation: ['sample'],
    })
    const warnings: string[] = []
    app.logger.validationWarning = (text: string) => void warnings.push(text)
    const project = await app.convert()
    if (project !== undefined) app.validate(project)
    expect(warnings.map((text) => /[\w.()]+(?= |,| \()/.exec(text)?.[0])).toEqual(
      expect.arrayContaining(['undocumented', 'DeepOptions.inner.mute', 'DeepOptions.mute']),
    )
    expect(warnings.filter((text) => /loud|DeepOptions[ ,]|documented\(/.test(text))).toEqual([])
    expect(warnings.join('\n')).toContain('nowhere')
  }, 120_000)
})
