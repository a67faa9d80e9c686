// Writes a software bill of materials (CycloneDX) for each published package into a folder, from the
// lockfile alone: node test/security/report/sbom.mjs <folder>. With --upload each is attached to the
// release of its package, where that release exists.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bundledInto } from './bundled.mjs'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))

/** The packages that are published, with their folders. */
export function listPackages() {
  return readdirSync(join(ROOT, 'packages'))
    .map((folder) => ({
      folder: `packages/${folder}`,
      ...readJson(join(ROOT, 'packages', folder, 'package.json')),
    }))
    .filter((manifest) => manifest.private !== true)
    .map(({ folder, name, version }) => ({ folder, name, version }))
}

const isWorkspace = (path) => /^(?:packages|examples|bench)(?:\/[^/]+)?$/.test(path)
const withoutDevelopment = ({ devDependencies: _, ...manifest }) => manifest

/**
 * Copies what npm reads to a folder of its own, without development dependencies: `npm sbom --omit=dev`
 * leaves out what any workspace needs for development, be it a runtime dependency of another. The root
 * has a version there, since npm refuses one without.
 */
function copyManifests(folder) {
  const lock = readJson(join(ROOT, 'package-lock.json'))
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path !== '' && !isWorkspace(path)) continue
    lock.packages[path] = withoutDevelopment(entry)
    const manifest = withoutDevelopment(readJson(join(ROOT, path, 'package.json')))
    if (path === '') manifest.version = lock.packages[''].version = '0.0.0'
    mkdirSync(join(folder, path), { recursive: true })
    writeFileSync(join(folder, path, 'package.json'), JSON.stringify(manifest))
  }
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ ...lock, version: '0.0.0' }))
}

const isPackage = ({ purl }, name) => decodeURIComponent(purl).startsWith(`pkg:npm/${name}@`)

/** npm describes the workspace as the subject; the subject is the package. */
function describePackage(bill, name) {
  const subject = bill.components.find((each) => isPackage(each, name))
  if (subject === undefined) throw new Error(`npm sbom does not name ${name}`)
  const root = bill.metadata.component['bom-ref']
  return {
    ...bill,
    metadata: { ...bill.metadata, component: subject },
    components: bill.components.filter((each) => each !== subject),
    dependencies: bill.dependencies.filter(({ ref }) => ref !== root),
  }
}

/** The component of a package that is bundled into another one, as npm writes those that it installs. */
function describeBundled({ name, version }) {
  const entry = readJson(join(ROOT, 'package-lock.json')).packages[`node_modules/${name}`]
  if (entry?.version !== version) throw new Error(`the lockfile has no ${name} ${version}`)
  const [algorithm, digest] = entry.integrity.split('-')
  return {
    'bom-ref': `${name}@${version}`,
    type: 'library',
    name,
    version,
    scope: 'required',
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    properties: [{ name: 'cdx:npm:package:bundled', value: 'true' }],
    hashes: [
      {
        alg: algorithm.replace('sha', 'SHA-'),
        content: Buffer.from(digest, 'base64').toString('hex'),
      },
    ],
    licenses: [{ license: { id: entry.license } }],
  }
}

/** Adds what is bundled into the packages of a bill, which npm does not know of. */
function addBundled(bill, packages) {
  const { component } = bill.metadata
  const components = [...bill.components]
  const dependencies = bill.dependencies.map((each) => ({ ...each }))
  for (const { folder, name } of packages) {
    const holder = [component, ...bill.components].find((each) => isPackage(each, name))
    if (holder === undefined) continue
    for (const bundled of bundledInto(join(ROOT, folder))) {
      const described = describeBundled(bundled)
      const ref = described['bom-ref']
      if (!components.some((each) => each['bom-ref'] === ref)) {
        components.push(described)
        dependencies.push({ ref, dependsOn: [] })
      }
      const needs = dependencies.find((each) => each.ref === holder['bom-ref'])
      needs.dependsOn = [...new Set([...needs.dependsOn, ref])]
    }
  }
  return { ...bill, components, dependencies }
}

/**
 * Makes the bills of all published packages, or of those that `isWanted`, without the network and without
 * what is installed.
 */
export function createSboms(isWanted = () => true) {
  const folder = mkdtempSync(join(tmpdir(), 'sbom-'))
  try {
    copyManifests(folder)
    const packages = listPackages()
    return packages.filter(isWanted).map(({ name, version }) => {
      const parameters = ['--sbom-format=cyclonedx', '--package-lock-only']
      const text = execFileSync(
        'npm',
        ['sbom', ...parameters, '--sbom-type=library', '--offline', `--workspace=${name}`],
        { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 26, stdio: ['ignore', 'pipe', 'pipe'] },
      )
      return { name, version, bill: addBundled(describePackage(JSON.parse(text), name), packages) }
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function upload(name, version, path) {
  const tag = `${name}@${version}`
  const found = spawnSync('gh', ['release', 'view', tag], { stdio: 'ignore' })
  if (found.status !== 0) return
  execFileSync('gh', ['release', 'upload', tag, path, '--clobber'], { stdio: 'inherit' })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    options: { upload: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  const [target] = positionals
  if (target === undefined) throw new Error('the folder to write to is missing')
  for (const { name, version, bill } of createSboms()) {
    const path = join(target, `${name.split('/').at(-1)}-${version}.cdx.json`)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, `${JSON.stringify(bill, null, 2)}\n`)
    console.log(path)
    if (values.upload) upload(name, version, path)
  }
}
