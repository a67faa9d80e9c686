// Writes the version of the example into the files that name its image. `check-deploy.mjs` holds them to it.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** Where the version stands: the whole of what is replaced, with the version as its second group. */
export const versionPlaces = {
  'deploy/compose.yaml': /(CODA_MCP_IMAGE:-[^:}]+:)([^}]+)(\})/,
  'deploy/compose.env.example': /(CODA_MCP_IMAGE=[^:\n]+:)(\S+)()/,
  'deploy/kubernetes/kustomization.yaml': /(\n {4}newTag: ')([^']+)(')/,
  'README.md': /(imagetools inspect [\w./-]+:)(\S+)()/,
}

/** The version that a text names, or undefined. */
export function versionIn(place, text) {
  return versionPlaces[place].exec(text)?.[2]
}

/** Sets the version everywhere. Throws where there is no place for it. */
export function setVersion(example) {
  const { version } = JSON.parse(readFileSync(join(example, 'package.json'), 'utf8'))
  for (const [place, pattern] of Object.entries(versionPlaces)) {
    const path = join(example, place)
    const before = readFileSync(path, 'utf8')
    if (versionIn(place, before) === undefined) throw new Error(`${place} names no version`)
    writeFileSync(
      path,
      before.replace(pattern, (_, start, __, end) => `${start}${version}${end}`),
    )
  }
  return version
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const example =
    process.argv[2] ?? fileURLToPath(new URL('../../examples/coda-mcp', import.meta.url))
  console.log(`the deployment names ${setVersion(example)}`)
}
