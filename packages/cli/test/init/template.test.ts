import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ALL_CHOICES, type Choice, namesOf, STORES, WAYS_IN } from '../../src/init/choices.js'
import { type ComposedFiles, composeServer } from '../../src/init/compose.js'
import { layersOf } from '../../src/init/layers.js'
import { templateFiles } from '../../src/init/template.js'
import { temporaryFolder } from '../support/command-line.js'

const VERSION = '7.8.9'

function compose(choice: Choice): ComposedFiles {
  return composeServer({ ...choice, name: 'notes', version: VERSION, template: templateFiles })
}

function read(files: ComposedFiles, path: string): string {
  const text = files.get(path)
  if (text === undefined) throw new Error(`there is no ${path}`)
  return text
}

/** Packages that the TypeScript and JavaScript of a folder imports. */
function importedPackages(files: ComposedFiles, below: RegExp): Set<string> {
  const specifiers = [...files].flatMap(([path, text]) =>
    below.test(path) ? [...text.matchAll(/^(?:import|} from|.* from) '([^']+)'$/gm)] : [],
  )
  return new Set(
    specifiers.flatMap(([, specifier = '']) => {
      if (/^(?:\.|node:)/.test(specifier)) return []
      return specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/')
    }),
  )
}

interface Manifest {
  readonly scripts: Record<string, string>
  readonly dependencies: Record<string, string>
  readonly devDependencies: Record<string, string>
}

function manifestOf(files: ComposedFiles): Manifest {
  return JSON.parse(read(files, 'package.json'))
}

/** Loaded by another package, or a tool, and not by an import. */
const LOADED_BY_OTHERS = ['@electric-sql/pglite', '@infisical/sdk', '@types/node', 'typescript']

describe.each(ALL_CHOICES)('a server with $wayIn and $store', (choice) => {
  const files = compose(choice)

  it('has what a server needs', () => {
    expect([...files.keys()]).toEqual(
      expect.arrayContaining([
        '.dockerignore',
        '.env.example',
        '.github/workflows/ci.yml',
        '.gitignore',
        'Dockerfile',
        'README.md',
        'package.json',
        'src/auth.ts',
        'src/main.ts',
        'src/server.ts',
        'test/auth.test.ts',
        'test/serve.test.ts',
      ]),
    )
    expect(files.has('src/store.ts')).toBe(choice.store !== 'none')
    expect(files.has('src/database.ts')).toBe(
      choice.wayIn === 'embedded' || choice.store === 'postgres',
    )
  })

  it('has no placeholder left', () => {
    for (const [path, text] of files) {
      const left = /my-mcp-server|0\.0\.0(?!\.)(?<!0\.0\.0\.0)|<!--|\bTODO\b|\{\{|\/\/ #/.exec(
        text.replaceAll('0.0.0.0', ''),
      )
      expect([path, left?.[0]]).toEqual([path, undefined])
      expect([path, text.endsWith('\n')]).toEqual([path, true])
      expect([path, /\n\n\n/.test(text)]).toEqual([path, false])
    }
  })

  it('depends on the packages that it imports, and on no other', () => {
    const { dependencies, devDependencies } = manifestOf(files)
    const inSource = importedPackages(files, /^(?:src|scripts)\//)
    const inTests = importedPackages(files, /^(?:test\/|vitest\.config\.ts)/)
    // Express is a name of types in most sources.
    const declared = Object.keys(dependencies)
    expect(declared.filter((each) => !LOADED_BY_OTHERS.includes(each)).sort()).toEqual(
      [...inSource].sort(),
    )
    const wanted = [...inTests].filter((each) => !declared.includes(each))
    const typed = inSource.has('express') ? ['@types/express'] : []
    expect(
      Object.keys(devDependencies)
        .filter((each) => !LOADED_BY_OTHERS.includes(each))
        .sort(),
    ).toEqual([...wanted, ...typed].sort())
  })

  it('takes our packages in the version of the command', () => {
    const { dependencies } = manifestOf(files)
    const own = Object.entries(dependencies).filter(([name]) => name.startsWith('@bestviable/'))
    expect(own.length).toBeGreaterThan(0)
    expect(new Set(own.map(([, version]) => version))).toEqual(new Set([VERSION]))
  })

  it('documents every variable that it reads, and no other', () => {
    const sources = [...files].flatMap(([path, text]) => (path.startsWith('src/') ? [text] : []))
    const named = (pattern: RegExp, text: string) =>
      [...text.matchAll(pattern)].map(([, name = '']) => name.replace(/_FILE$/, ''))
    const variable =
      /(?:['`]|env\.|^ {4,})([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)(?:['`]|: \w|\b(?= \|\|))/gm
    const used = new Set(
      sources
        .join('\n')
        .split('\n')
        .filter((line) => !/^ *(?:\/\/|\/?\*)/.test(line))
        .flatMap((line) => named(variable, line))
        .filter((name) => name === 'PORT' || name === 'HOST' || name.includes('_')),
    )
    if (choice.store === 'env') used.add('GITHUB_API_TOKEN')
    const documented = new Set(named(/^# ([A-Z][A-Z0-9_]+)=/gm, read(files, '.env.example')))
    expect([...documented].sort()).toEqual([...used].sort())
  })

  it('keeps secrets out of its file of variables', () => {
    const secret = /^# \w*(?:SECRET|TOKEN|KEYS|DATABASE_URL)\w*=/gm
    const lines = read(files, '.env.example').match(secret) ?? []
    const direct = lines.filter((line) => !line.endsWith('_FILE='))
    // What is there of a handed out token is its digest.
    expect(direct).toEqual(choice.wayIn === 'local-bearer' ? ['# MCP_BEARER_TOKENS='] : [])
  })

  it('names no file in its README that it does not have', () => {
    const readme = read(files, 'README.md')
    const named = [...readme.matchAll(/`((?:src|test)\/[\w./-]*)`/g)].map(([, path = '']) => path)
    const missing = named.filter(
      (path) => ![...files.keys()].some((each) => each === path || each.startsWith(path)),
    )
    expect(missing).toEqual([])
    const scripts = [...readme.matchAll(/npm run ([\w-]+)/g)].map(([, name = '']) => name)
    const { scripts: known } = manifestOf(files)
    expect(scripts.filter((name) => !Object.hasOwn(known, name))).toEqual([])
  })
})

describe('what a server keeps out of git', () => {
  const files = compose({ wayIn: 'embedded', store: 'postgres' })
  const ignored = (path: string): boolean => {
    const folder = temporaryFolder()
    execFileSync('git', ['init', '--quiet', folder])
    writeFileSync(join(folder, '.gitignore'), read(files, '.gitignore'))
    return spawnSync('git', ['check-ignore', '--quiet', path], { cwd: folder }).status === 0
  }
  const [, mounted = ''] = /-v "\$PWD\/([\w-]+):/.exec(read(files, 'README.md')) ?? []

  it.each([
    `${mounted}/google`,
    `${mounted}/database`,
    'tls.pem',
    'certs/tls.key',
    '.env',
    '.data/x',
  ])('is %s', (path) => expect([mounted, ignored(path)]).toEqual(['secrets', true]))

  it.each(['.env.example', 'src/secrets.ts', 'src/keys.ts', 'package-lock.json'])(
    'is not %s',
    (path) => expect(ignored(path)).toBe(false),
  )

  it('is not in the image either, wherever it is', () => {
    const lines = read(files, '.dockerignore').split('\n')
    const allowed = lines.filter((line) => line.startsWith('!'))
    expect(allowed.some((line) => line.includes(mounted))).toBe(false)
    // The last line that fits decides.
    const after = lines.slice(lines.indexOf('!src') + 1)
    expect(after).toEqual(expect.arrayContaining(['**/*.pem', '**/*.key', '**/.env*']))
  })
})

describe('the README of a server', () => {
  it('runs the image as a user that can read files of the owner alone', () => {
    const readme = read(compose({ wayIn: 'oidc', store: 'env' }), 'README.md')
    expect(readme).toMatch(/docker run [^`]*--user "\$\(id -u\)"[^`]*\/run\/secrets/)
    const [, user = ''] = /^USER (\d+):/m.exec(templateFiles['base/Dockerfile'] ?? '') ?? []
    expect(readme).toContain(`chown ${user}`)
  })
})

describe('the workflow of a server', () => {
  it('takes actions by the commits that the release of this repository takes', () => {
    const pins = (text: string) =>
      [...text.matchAll(/uses: (\S+ # v[\d.]+)$/gm)].map(([, pin]) => pin)
    const workflow = templateFiles['base/.github/workflows/ci.yml'] ?? ''
    const release = readFileSync(
      new URL('../../../../.github/workflows/release.yml', import.meta.url),
      'utf8',
    )
    expect(pins(workflow)).toHaveLength(workflow.match(/uses:/g)?.length ?? 0)
    expect(pins(release)).toEqual(expect.arrayContaining(pins(workflow)))
    for (const pin of pins(workflow)) expect(pin).toMatch(/^[\w/-]+@[0-9a-f]{40} #/)
  })
})

describe('the template', () => {
  it('has a folder for each way in and each store, and no other', () => {
    const below = (folder: string) =>
      new Set(
        Object.keys(templateFiles).flatMap((path) => {
          const [first, second = ''] = path.split('/')
          return first === folder ? [second] : []
        }),
      )
    expect([...below('ways-in')].sort()).toEqual(namesOf(WAYS_IN).sort())
    expect([...below('stores')].sort()).toEqual(namesOf(STORES).sort())
  })

  it('has no file that no server gets', () => {
    const used = ALL_CHOICES.flatMap((choice) => layersOf(choice).map((layer) => `${layer}/`))
    const unused = Object.keys(templateFiles).filter(
      (path) => !used.some((layer) => path.startsWith(layer)),
    )
    expect(unused.sort()).toEqual(['README.md', 'tsconfig.json'])
  })

  it('has a place in the README for each part of one', () => {
    const parts = Object.keys(templateFiles).flatMap(
      (path) => /\/readme\/(.*)\.md$/.exec(path) ?? [],
    )
    const slots = [...(templateFiles['base/README.md'] ?? '').matchAll(/<!-- readme: (\S+) -->/g)]
    const names = new Set(slots.map(([, name]) => name))
    expect(new Set(parts.filter((_, index) => index % 2 === 1))).toEqual(names)
  })
})
