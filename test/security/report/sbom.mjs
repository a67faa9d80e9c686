// Writes a software bill of materials (CycloneDX) for each published package into a folder, from the
// lockfile alone: node test/security/report/sbom.mjs <folder>. With --upload each is attached to the
// release of its package, where that release exists.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

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

/** npm describes the workspace as the subject; the subject is the package. */
function describePackage(bill, name) {
  const isSubject = ({ purl }) => decodeURIComponent(purl).startsWith(`pkg:npm/${name}@`)
  const subject = bill.components.find(isSubject)
  if (subject === undefined) throw new Error(`npm sbom does not name ${name}`)
  const root = bill.metadata.component['bom-ref']
  return {
    ...bill,
    metadata: { ...bill.metadata, component: subject },
    components: bill.components.filter((each) => each !== subject),
    dependencies: bill.dependencies.filter(({ ref }) => ref !== root),
  }
}

/** Makes the bills of all published packages, without the network and without what is installed. */
export function createSboms() {
  const folder = mkdtempSync(join(tmpdir(), 'sbom-'))
  try {
    copyManifests(folder)
    return listPackages().map(({ name, version }) => {
      const parameters = ['--sbom-format=cyclonedx', '--package-lock-only']
      const text = execFileSync(
        'npm',
        ['sbom', ...parameters, '--sbom-type=library', '--offline', `--workspace=${name}`],
        { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 26, stdio: ['ignore', 'pipe', 'pipe'] },
      )
      return { name, version, bill: describePackage(JSON.parse(text), name) }
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
