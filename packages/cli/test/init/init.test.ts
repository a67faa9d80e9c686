import {
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ALL_CHOICES, namesOf, STORES, WAYS_IN } from '../../src/init/choices.js'
import { composeServer } from '../../src/init/compose.js'
import { packageVersion, templateFiles } from '../../src/init/template.js'
import { startShell } from '../support/child-process.js'
import { type CommandLineOptions, commandLine, temporaryFolder } from '../support/command-line.js'

const ALL = ['--way-in', 'stytch', '--store', 'env']

/** Paths of everything in a folder, files and folders. */
function everythingIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true }).map(String).sort()
}

function init(argv: readonly string[], options?: CommandLineOptions) {
  return commandLine(['init', ...argv], options)
}

function manifestOf(folder: string): { name: string } {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

describe('mcp-auth init', () => {
  it.each(ALL_CHOICES)('writes the files of $wayIn with $store, and no other', async (choice) => {
    const folder = join(temporaryFolder(), 'my-server')
    const { wayIn, store } = choice
    const { code, stderr } = await init([folder, '--way-in', wayIn, '--store', store])
    expect([code, stderr]).toEqual([0, ''])
    const composed = composeServer({
      ...choice,
      name: 'my-server',
      version: packageVersion,
      template: templateFiles,
    })
    const files = everythingIn(folder).filter((path) => composed.has(path))
    expect(files).toEqual([...composed.keys()].sort())
    for (const [path, text] of composed) {
      expect([path, readFileSync(join(folder, path), 'utf8')]).toEqual([path, text])
    }
    const folders = new Set([...composed.keys()].flatMap((path) => path.split('/').slice(0, -1)))
    expect(everythingIn(folder)).toHaveLength(composed.size + folders.size)
  })

  it('names what to type next', async () => {
    const folder = join(temporaryFolder(), 'my-server')
    const { stdout } = await init([folder, '--way-in', 'local-bearer', '--store', 'none'])
    expect(stdout).toMatch(/^made my-server with \d+ files: local-bearer, none$/m)
    expect(stdout).toMatch(/^ {2}cd \S+my-server\n {2}npm install\n {2}npm test\n/m)
    expect(stdout).toContain('  npm run make-token\n  npm run dev\n')
  })

  it('tells a script what it made', async () => {
    const folder = join(temporaryFolder(), 'my-server')
    const result = await init([folder, '--yes', '--name', '@acme/notes', '--json'])
    expect(result.json()).toMatchObject({
      folder,
      name: '@acme/notes',
      wayIn: 'embedded',
      store: 'env',
      files: expect.arrayContaining(['.gitignore', 'Dockerfile', 'src/main.ts']),
      next: expect.arrayContaining(['npm install', 'npm run dev']),
    })
    expect(manifestOf(folder).name).toBe('@acme/notes')
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toMatch(/^# notes\n/)
  })
})

describe('mcp-auth init, without a terminal', () => {
  it.each([
    ['the folder', []],
    ['--way-in <embedded|stytch|cloudflare-access|oidc|local-bearer>', ['x', '--store', 'env']],
    ['--store <env|postgres|infisical|none>', ['x', '--way-in', 'oidc']],
  ])('says that %s is missing, and writes nothing', async (missing, argv) => {
    const folder = temporaryFolder()
    const given = argv.map((each) => (each === 'x' ? join(folder, 'x') : each))
    const { code, stdout, stderr } = await init(given)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain('there is no terminal to ask; give ')
    expect(stderr).toContain(missing)
    expect(everythingIn(folder)).toEqual([])
  })

  it('takes the defaults with --yes, for what is not given', async () => {
    const folder = join(temporaryFolder(), 'my-server')
    const result = await init([folder, '--yes', '--store', 'none', '--json'])
    expect(result.json()).toMatchObject({ wayIn: 'embedded', store: 'none', name: 'my-server' })
  })

  it.each([
    ['--way-in', 'auth0', namesOf(WAYS_IN)],
    ['--store', 'redis', namesOf(STORES)],
  ])('refuses a %s that it does not have, and lists those it has', async (flag, value, names) => {
    const folder = temporaryFolder()
    const { code, stderr } = await init([join(folder, 'x'), '--yes', flag, value])
    expect(code).toBe(2)
    expect(stderr).toContain(`Allowed choices are ${names.join(', ')}`)
    expect(everythingIn(folder)).toEqual([])
  })
})

describe('mcp-auth init, at a terminal', () => {
  const ENTER = '\r'
  const DOWN = '\u001b[B'

  it('asks for what is not given, and for nothing else', async () => {
    const folder = join(temporaryFolder(), 'my-server')
    const typed = [`${DOWN}${ENTER}`, `${DOWN}${DOWN}${ENTER}`]
    const { code, stdout, stderr } = await init([folder], { typed })
    expect(stderr).toContain('How do callers come in?')
    expect(stderr).toContain('Where are upstream credentials kept?')
    expect(stderr).not.toContain('Folder of the new server')
    expect([code, stdout.split('\n')[0]]).toEqual([
      0,
      expect.stringMatching(/^made my-server with \d+ files: stytch, infisical$/),
    ])
  })

  it('asks nothing when everything is given', async () => {
    const folder = join(temporaryFolder(), 'my-server')
    const { code, stderr } = await init([folder, ...ALL], { typed: [] })
    expect([code, stderr]).toEqual([0, ''])
  })

  it('writes nothing when it is cancelled', async () => {
    const folder = temporaryFolder()
    const { code, stderr } = await init([join(folder, 'x')], { typed: ['\u0003'] })
    expect(code).toBe(130)
    expect(stderr).toContain('cancelled; nothing was changed')
    expect(everythingIn(folder)).toEqual([])
  })
})

describe('the folder of a new server', () => {
  it.each([
    ['with --yes', ['--yes', '--name', 'notes']],
    ['with everything given', [...ALL, '--name', 'notes']],
  ])('is no usage when it is empty, %s, and the current folder stays as it is', async (_, argv) => {
    const folder = temporaryFolder()
    const shell = startShell(`cd '${folder}' && "$NODE" "$PROGRAM" init "$UNSET" ${argv.join(' ')}`)
    expect(await shell.ended).toBe(2)
    expect(shell.stderr()).toContain('the folder is empty; "." is the current folder')
    expect(everythingIn(folder)).toEqual([])
  })

  it('is the current one when that is said', async () => {
    const folder = temporaryFolder()
    const shell = startShell(`cd '${folder}' && "$NODE" "$PROGRAM" init . --yes --name notes`)
    expect(await shell.ended).toBe(0)
    expect(manifestOf(folder).name).toBe('notes')
    expect(shell.stdout()).not.toContain('  cd ')
  })
})

describe('the name of a new server', () => {
  it.each([
    ['capital letters', 'Notes'],
    ['a blank', 'my notes'],
    ['a dot in front', '.notes'],
    ['an underscore in front', '_notes'],
    ['a slash without a scope', 'acme/notes'],
    ['an empty scope', '@/notes'],
    ['an accent', 'café'],
    ['the name of a module of Node.js', 'http'],
    ['the name of a folder of npm', 'node_modules'],
    ['more than 214 characters', 'n'.repeat(215)],
    ['no character', ''],
    // Names that npm takes, and docker build -t does not.
    ['a hyphen in front', '-rf'],
    ['a tilde', '~root'],
    ['two dots', 'a..b'],
    ['a dot at its end', 'a.'],
    ['a hyphen at its end', 'a-'],
    ['three underscores', 'a___b'],
    ['a hyphen after a dot', 'a.-b'],
    ['a hyphen behind its scope', '@acme/-notes'],
    ['two scopes', '@acme/@acme/notes'],
  ])('is refused with %s', async (_, name) => {
    const folder = temporaryFolder()
    const { code, stderr } = await init([join(folder, 'x'), '--yes', '--name', name])
    expect(code).toBe(2)
    expect(stderr).toMatch(/^error: --name (?:must|is)/)
    expect(everythingIn(folder)).toEqual([])
  })

  it.each([
    'notes',
    'my-notes_2.0',
    'a--b__c',
    '@acme/notes',
    '@~acme/notes',
    'http-server',
    'n'.repeat(214),
  ])('can be %s', async (name) => {
    const folder = join(temporaryFolder(), 'x')
    expect((await init([folder, '--yes', '--name', name])).code).toBe(0)
    expect(manifestOf(folder).name).toBe(name)
  })

  it('is asked for by its flag when the folder has none that npm takes', async () => {
    const folder = temporaryFolder()
    const { code, stderr } = await init([join(folder, 'My Server'), '--yes'])
    expect(code).toBe(2)
    expect(stderr).toContain('give one with --name')
    expect(stderr).not.toContain('My Server')
    expect(everythingIn(folder)).toEqual([])
    const named = await init([join(folder, 'My Server'), '--yes', '--name', 'my-server'])
    expect(named.code).toBe(0)
    expect(named.stdout).toMatch(/^ {2}cd '.*My Server'$/m)
  })
})

describe('a folder that is there', () => {
  it('keeps its own files beside the new ones', async () => {
    const folder = realpathSync(temporaryFolder())
    mkdirSync(join(folder, '.github/workflows'), { recursive: true })
    writeFileSync(join(folder, 'LICENSE'), 'mine')
    writeFileSync(join(folder, '.github/workflows/release.yml'), 'mine')
    const { code } = await init([folder, ...ALL, '--name', 'notes'])
    expect(code).toBe(0)
    const files = everythingIn(folder)
    expect(files).toEqual(
      expect.arrayContaining(['LICENSE', '.github/workflows/release.yml', 'src/main.ts']),
    )
    expect(files.filter((path) => path.includes('mcp-auth-init'))).toEqual([])
    expect(readFileSync(join(folder, '.github/workflows/release.yml'), 'utf8')).toBe('mine')
  })

  it.each(['package.json', '.gitignore', 'src/tools/whoami.ts', '.github/workflows/ci.yml'])(
    'is refused when it has %s, which is named and stays as it is',
    async (path) => {
      const folder = temporaryFolder()
      mkdirSync(join(folder, path, '..'), { recursive: true })
      writeFileSync(join(folder, path), 'mine')
      const before = everythingIn(folder)
      const { code, stderr } = await init([folder, ...ALL, '--name', 'notes', '--yes'])
      expect(code).toBe(1)
      expect(stderr).toContain(`has files of these names already:\n  ${path}\n`)
      expect(everythingIn(folder)).toEqual(before)
      expect(readFileSync(join(folder, path), 'utf8')).toBe('mine')
    },
  )

  it('is refused when a link leads out of it, and nothing is written behind the link', async () => {
    const [folder, elsewhere] = [temporaryFolder(), temporaryFolder()]
    symlinkSync(elsewhere, join(folder, 'src'))
    const { code, stderr } = await init([folder, ...ALL, '--name', 'notes'])
    expect(code).toBe(1)
    expect(stderr).toContain('already:\n  src\n')
    expect([everythingIn(folder), everythingIn(elsewhere)]).toEqual([['src'], []])
  })

  it('is refused when it is a file', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'notes'), 'mine')
    const { code, stderr } = await init([join(folder, 'notes'), ...ALL])
    expect(code).toBe(1)
    expect(stderr).toContain('is there and is no folder')
    expect(readFileSync(join(folder, 'notes'), 'utf8')).toBe('mine')
  })

  it('is refused the second time', async () => {
    const folder = join(temporaryFolder(), 'notes')
    expect((await init([folder, ...ALL])).code).toBe(0)
    const { code, stderr } = await init([folder, ...ALL])
    expect(code).toBe(1)
    expect(stderr.split('\n').length).toBeGreaterThan(20)
  })
})
