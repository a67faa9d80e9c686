/*
 * What an installation weighs: megabytes and packages of `npm install` in an empty folder, and bytes of a
 * bundle. Ours as `npm pack` makes it. Sizes depend on no machine.
 */
import { spawnSync } from 'node:child_process'
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { effort } from './lib/effort.mjs'
import { measuredTable, reportTables } from './lib/measured-table.mjs'
import { isMain } from './lib/program.mjs'
import { benchVersions, workspaceVersions } from './lib/results.mjs'
import { BUNDLES, INSTALLS } from './size/sets.mjs'

const ROOT = fileURLToPath(new URL('../', import.meta.url))

function run(command, parameters, cwd) {
  const { status, stdout, stderr } = spawnSync(command, parameters, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${parameters.join(' ')}\n${stderr.slice(-800)}`)
  return stdout
}

/** Bytes of all files below a folder, each at least one block of 4 KB, as disks count them. */
function bytesBelow(folder) {
  let bytes = 0
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) {
      const { size } = lstatSync(join(entry.parentPath ?? entry.path, entry.name))
      bytes += Math.ceil(size / 4096) * 4096
    }
  }
  return bytes
}

function countPackages(folder) {
  const lock = JSON.parse(readFileSync(join(folder, 'node_modules/.package-lock.json'), 'utf8'))
  return Object.keys(lock.packages).length
}

/** Packs packages of this workspace and returns name -> archive. */
function pack(names, folder) {
  const workspaces = names.map((name) => `--workspace=${name}`)
  const parameters = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const packed = JSON.parse(run('npm', [...parameters, ...workspaces], ROOT))
  return new Map(Object.values(packed).map(({ name, filename }) => [name, join(folder, filename)]))
}

function installOne({ packages }, archives) {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-auth-install-'))
  try {
    const dependencies = Object.fromEntries(
      Object.entries(packages).map(([name, version]) => [
        name,
        archives.has(name) ? `file:${archives.get(name)}` : version,
      ]),
    )
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }))
    const flags = ['--omit=dev', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund']
    run('npm', ['install', '--prefer-offline', ...flags], folder)
    return {
      megabytes: bytesBelow(join(folder, 'node_modules')) / 1e6,
      packages: countPackages(folder),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** `undefined`, with the reason printed, where the registry cannot be asked. */
function measureInstalls() {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-auth-pack-'))
  try {
    const own = new Set(INSTALLS.flatMap(({ packages }) => Object.keys(packages)))
    const archives = pack(
      [...own].filter((name) => name.startsWith('@bestviable/')),
      folder,
    )
    const sets = effort(INSTALLS, INSTALLS.slice(0, 2))
    return measuredTable(
      'install',
      'Installation in an empty folder',
      [
        ['node_modules MB', 1],
        ['packages', 0],
      ],
      sets.map((set) => {
        const { megabytes, packages } = installOne(set, archives)
        return { label: set.label, role: set.role, values: [megabytes, packages] }
      }),
    )
  } catch (error) {
    console.log(`\nInstallation: skipped, npm could not install\n${error.message}`)
    return undefined
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function bundleOne({ source, external = [] }) {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    minify: true,
    write: false,
    platform: 'node',
    format: 'esm',
    external,
    logLevel: 'error',
  })
  const [{ contents }] = outputFiles
  return [contents.byteLength / 1000, gzipSync(contents, { level: 9 }).byteLength / 1000]
}

async function measureBundles() {
  const rows = []
  for (const bundle of BUNDLES) {
    rows.push({ label: bundle.label, role: bundle.role, values: await bundleOne(bundle) })
  }
  return measuredTable(
    'bundle',
    'Bundle by esbuild, minified ESM, frameworks left outside',
    [
      ['minified kB', 1],
      ['gzip kB', 1],
    ],
    rows,
  )
}

/** Bundles always; installations where npm can install. */
export async function measureSize() {
  const tables = [await measureBundles(), measureInstalls()]
  return tables.filter((table) => table !== undefined)
}

if (isMain(import.meta.url)) {
  const versions = { ...benchVersions(), ...workspaceVersions(['esbuild']) }
  reportTables('size', versions, await measureSize())
}
