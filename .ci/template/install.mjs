import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { succeed } from './run.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))

/** Packs every package of ours, and resolves with the archives by name. */
async function packAll(folder) {
  mkdirSync(folder)
  const archives = new Map()
  for (const name of readdirSync(join(root, 'packages'))) {
    const cwd = join(root, 'packages', name)
    const packed = await succeed('npm', ['pack', '--silent', '--pack-destination', folder], { cwd })
    archives.set(readJson(join(cwd, 'package.json')).name, join(folder, packed.trim()))
  }
  return archives
}

/** What some server of the template depends on, apart from packages of ours. */
function otherDependencies() {
  const template = join(root, 'templates/mcp-server')
  const manifests = readdirSync(template, { recursive: true }).filter((path) =>
    /(?:^|\/)(?:package|manifest)\.json$/.test(path),
  )
  const all = manifests.flatMap((path) => {
    const { dependencies = {}, devDependencies = {} } = readJson(join(template, path))
    return Object.entries({ ...dependencies, ...devDependencies })
  })
  return all.filter(([name]) => !name.startsWith('@bestviable/'))
}

/**
 * Installs our packages as they would be published, and what the servers need beside them, once for
 * all servers: they are made below this folder and find the packages here.
 */
export async function installTogether(work) {
  const archives = await packAll(join(work, 'archives'))
  const own = [...archives].map(([name, archive]) => [name, `file:${archive}`])
  const manifest = {
    name: 'servers',
    private: true,
    dependencies: Object.fromEntries([...own, ...otherDependencies()]),
  }
  writeFileSync(join(work, 'package.json'), JSON.stringify(manifest))
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--silent']
  await succeed('npm', ['install', ...quiet], { cwd: work })
}

/** The installed packages have to be those that a server asks for. */
export function checkInstalled(work, folder) {
  const { dependencies, devDependencies } = readJson(join(folder, 'package.json'))
  for (const [name, wanted] of Object.entries({ ...dependencies, ...devDependencies })) {
    const { version } = readJson(join(work, 'node_modules', name, 'package.json'))
    const isInRange = wanted.startsWith('^')
      ? version.split('.')[0] === wanted.slice(1).split('.')[0]
      : version === wanted
    if (!isInRange) throw new Error(`${name} is installed as ${version}, wanted is ${wanted}`)
  }
}
