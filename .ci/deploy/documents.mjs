// Reads everything that says how the example is deployed.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { parseDockerfile } from '../image/dockerfile.mjs'
import { versionPlaces } from './set-version.mjs'

/** The documents of a YAML file, which must mean the same to readers of YAML 1.1 and 1.2. */
function readYaml(path, problems, name) {
  const text = readFileSync(path, 'utf8')
  const [current, older] = ['1.2', '1.1'].map((version) =>
    parseAllDocuments(text, { version, merge: true, uniqueKeys: true }).map((document) => {
      problems.push(...document.errors.map((error) => `${name}: ${error.message}`))
      return document.errors.length === 0 ? document.toJS() : undefined
    }),
  )
  // "on", "yes" and 0440 are other values to some programs than to others.
  if (JSON.stringify(current) !== JSON.stringify(older)) {
    problems.push(`${name}: a value needs quotes: it is not the same in YAML 1.1 and 1.2`)
  }
  return current.filter((document) => document !== undefined)
}

/** The table of the README, which a test holds to the schema of the variables. */
export function readVariables(readme) {
  const rows = readme.matchAll(/^\|\s*`([A-Z_]+)`\s*\|([^|]*)\|[^|]*\|([^|]*)\|[^|]*\|$/gm)
  return new Map(
    [...rows].map(([, name, fallback, file]) => [
      name,
      { fallback: fallback.trim().replaceAll('`', ''), file: file.trim() === 'yes' },
    ]),
  )
}

/** A unit file as a list of its settings, in their order. */
export function parseUnit(text) {
  let section = ''
  return text.split('\n').flatMap((line) => {
    section = /^\[(\w+)\]$/.exec(line)?.[1] ?? section
    const setting = /^(\w+)=(.*)$/.exec(line)
    return setting === null ? [] : [{ section, name: setting[1], value: setting[2] }]
  })
}

/** Lines of a file of settings, those that are commented out among them. */
export function readSettings(text) {
  return new Map(
    [...text.matchAll(/^(?:# )?([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
  )
}

/** Everything of a copy of the example that is checked. */
export function readDeployment(example, problems) {
  const read = (path) => readFileSync(join(example, path), 'utf8')
  const manifests = readdirSync(join(example, 'deploy/kubernetes'))
    .filter((file) => file.endsWith('.yaml'))
    .flatMap((file) =>
      readYaml(join(example, 'deploy/kubernetes', file), problems, file).map((value) => ({
        file,
        value,
      })),
    )
  const dockerfile = read('Dockerfile')
  let image
  try {
    image = parseDockerfile(dockerfile).at(-1)
  } catch (error) {
    problems.push(`Dockerfile: ${error.message}`)
  }
  return {
    example,
    dockerfile,
    image,
    composeText: read('deploy/compose.yaml'),
    compose: readYaml(join(example, 'deploy/compose.yaml'), problems, 'compose.yaml')[0],
    composeSettings: readSettings(read('deploy/compose.env.example')),
    kustomization: manifests.find(({ file }) => file === 'kustomization.yaml')?.value,
    manifests: manifests.filter(({ file }) => file !== 'kustomization.yaml'),
    unit: parseUnit(read('deploy/systemd/coda-mcp.service')),
    variables: readVariables(read('README.md')),
    alerts: read('deploy/prometheus/alerts.yaml'),
    dashboard: read('deploy/grafana/coda-mcp.json'),
    version: JSON.parse(read('package.json')).version,
    versionTexts: Object.fromEntries(
      Object.keys(versionPlaces).map((place) => [place, read(place)]),
    ),
    /** Paths that the server answers for probes. */
    healthPaths: [...read('src/health.ts').matchAll(/router\.get\('([^']+)'/g)].map(
      ([, path]) => path,
    ),
    secretFiles: [
      ...read('deploy/make-secrets.sh').matchAll(/\bkeep (\w+)|for name in ([\w ]+);/g),
    ].flatMap(([, one, several]) => one ?? several.split(' ')),
  }
}
