// Checks every published package as its user will meet it: what is packed, whether the exports and
// types resolve, and whether it installs and type-checks in an empty project.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const run = (command, parameters, cwd = root) =>
  execFileSync(command, parameters, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

run('npx', ['turbo', 'run', 'build', '--output-logs=errors-only'])
const packages = readdirSync(join(root, 'packages')).map((folder) => {
  const path = join(root, 'packages', folder)
  return { path, manifest: JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) }
})
const work = mkdtempSync(join(tmpdir(), 'packages-'))
const problems = []

function check(name, action) {
  try {
    action()
    console.log(`ok   ${name}`)
  } catch (error) {
    problems.push(name)
    console.log(`FAIL ${name}\n${error.stdout ?? ''}${error.stderr ?? error.message}`)
  }
}

// P13: nothing but what is needed to run: no tests, no sources, no secrets, no install scripts.
const ALLOWED =
  /^package\/(?:dist\/.*\.(?:js|d\.ts)|package\.json|README\.md|LICENSE|THIRD-PARTY-NOTICES\.md|CHANGELOG\.md)$/

function subpathsOf(manifest) {
  return Object.keys(manifest.exports)
    .filter((subpath) => subpath !== './package.json')
    .map((subpath) => manifest.name + subpath.slice(1))
}

const archives = []
for (const { path, manifest } of packages) {
  const { name } = manifest
  const archive = run('npm', ['pack', '--silent', '--pack-destination', work], path).trim()
  archives.push(join(work, archive))
  check(`${name}: packed files`, () => {
    const files = run('tar', ['-tzf', join(work, archive)])
      .trim()
      .split('\n')
    const unexpected = files.filter((file) => !ALLOWED.test(file))
    if (unexpected.length > 0) throw new Error(`unexpected: ${unexpected.join(', ')}`)
    const scripts = Object.keys(manifest.scripts ?? {}).filter((each) =>
      /install|prepare/.test(each),
    )
    if (scripts.length > 0) throw new Error(`install scripts: ${scripts.join(', ')}`)
    if (!files.includes('package/README.md')) throw new Error('README.md is missing')
  })
  check(`${name}: publint`, () => run('npx', ['publint', '--strict', path]))
  // A package that is only a command has no entry point to type.
  if (subpathsOf(manifest).length === 0) continue
  check(`${name}: are the types wrong`, () =>
    run('npx', ['attw', '--profile', 'esm-only', join(work, archive)]),
  )
}

const project = join(work, 'project')
mkdirSync(project)
writeFileSync(
  join(project, 'package.json'),
  JSON.stringify({ name: 'empty-project', private: true, type: 'module' }),
)
run(
  'npm',
  ['install', '--no-audit', '--no-fund', ...archives, 'typescript@5.9.3', '@types/node@20'],
  project,
)

const subpaths = packages.flatMap(({ manifest }) => subpathsOf(manifest))
writeFileSync(
  join(project, 'index.ts'),
  subpaths.map((path, index) => `import * as m${index} from '${path}'\nvoid m${index}\n`).join(''),
)
writeFileSync(
  join(project, 'tsconfig.json'),
  JSON.stringify({
    compilerOptions: {
      module: 'nodenext',
      target: 'es2022',
      strict: true,
      skipLibCheck: false,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      types: ['node'],
    },
    files: ['index.ts'],
  }),
)
check('empty project: type-checks', () => run('npx', ['tsc', '-p', '.'], project))
for (const path of subpaths) {
  check(`empty project: import ${path}`, () =>
    run(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const m = await import('${path}'); if (Object.keys(m).length === 0) process.exit(1)`,
      ],
      project,
    ),
  )
  check(`empty project: require ${path}`, () =>
    run(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        '--input-type=commonjs',
        '-e',
        `if (Object.keys(require('${path}')).length === 0) process.exit(1)`,
      ],
      project,
    ),
  )
}

for (const { manifest } of packages) {
  for (const command of Object.keys(manifest.bin ?? {})) {
    check(`empty project: ${command} --help`, () => {
      const help = run(join(project, 'node_modules/.bin', command), ['--help'], project)
      if (!help.includes('Usage:')) throw new Error(help)
    })
  }
}

// What is an optional peer is installed by who uses it: the packages load without it (61 MB of
// @infisical/sdk, 26 MB of PGlite).
check('empty project: has no optional peer', () => {
  const installed = readdirSync(join(project, 'node_modules')).filter((each) =>
    /^@(infisical|electric-sql)$/.test(each),
  )
  if (installed.length > 0) throw new Error(installed.join(', '))
})

// The core never loads a framework or a store back end (DESIGN: dependencies point inward only).
check('core: loads no framework', () => {
  const script = `
    import { register } from 'node:module'
    await import('@bestviable/mcp-auth-middleware')
    const loaded = process.moduleLoadList.filter((each) => /express|pg|infisical|node_modules/.test(each))
    if (loaded.length > 0) { console.error(loaded); process.exit(1) }`
  run(process.execPath, ['--input-type=module', '-e', script], project)
  const core = packages.find(({ manifest }) => manifest.name === '@bestviable/mcp-auth-middleware')
  const importsOf = (file) =>
    [
      ...readFileSync(join(core.path, 'dist', file), 'utf8').matchAll(
        /(?<!["'\w])(?:from|import)\s*\(?["']([^"']+)["']/g,
      ),
    ].map(([, name]) => name)
  // The main entry and what it is made of run on Workers too.
  const main = new Set(['index.js'])
  for (const file of main) {
    for (const name of importsOf(file)) if (name.startsWith('./')) main.add(name.slice(2))
  }
  for (const file of readdirSync(join(core.path, 'dist')).filter((each) => each.endsWith('.js'))) {
    for (const name of importsOf(file)) {
      if (name.startsWith('.') || /^(?:jose(?:\/.+)?|lru-cache)$/.test(name)) continue
      if (name.startsWith('node:') && !main.has(file)) continue
      throw new Error(`dist/${file} imports ${name}`)
    }
  }
})

rmSync(work, { recursive: true })
if (problems.length > 0) {
  console.error(`\n${problems.length} package checks failed`)
  process.exit(1)
}
