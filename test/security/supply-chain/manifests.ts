import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { bundledInto } from '../report/bundled.mjs'

const ROOT = new URL('../../../', import.meta.url)

const Ranges = z.record(z.string(), z.string()).optional()

const Manifest = z.looseObject({
  name: z.string(),
  private: z.boolean().optional(),
  dependencies: Ranges,
  optionalDependencies: Ranges,
  peerDependencies: Ranges,
  devDependencies: Ranges,
  files: z.array(z.string()).optional(),
  scripts: Ranges,
  exports: z.record(z.string(), z.unknown()).optional(),
  publishConfig: z.looseObject({ provenance: z.boolean().optional() }).optional(),
})

/** A `package.json`, as far as these tests read it. */
export type Manifest = z.infer<typeof Manifest>

export interface Workspace {
  /** Below the root, such as `packages/cli`. */
  readonly folder: string
  readonly manifest: Manifest
}

export function readManifest(text: string): Manifest {
  return Manifest.parse(JSON.parse(text))
}

function readWorkspace(folder: string): Workspace {
  return {
    folder,
    manifest: readManifest(readFileSync(new URL(`${folder}/package.json`, ROOT), 'utf8')),
  }
}

/** Everything that is published to the registry. */
export function publishedPackages(): readonly Workspace[] {
  return readdirSync(new URL('packages/', ROOT))
    .map((folder) => readWorkspace(`packages/${folder}`))
    .filter(({ manifest }) => manifest.private !== true)
}

/** What else reaches users: the example as an image, the template as a new project. */
export function shippedPrograms(): readonly Workspace[] {
  return [readWorkspace('examples/coda-mcp'), readWorkspace('templates/mcp-server/base')]
}

/** Names and ranges of what an installation brings along, or a package bundles, own packages aside. */
export function runtimeRanges({ folder, manifest }: Workspace): ReadonlyMap<string, string> {
  const bundled = bundledInto(fileURLToPath(new URL(folder, ROOT)))
  const all = {
    ...Object.fromEntries(bundled.map(({ name, version }) => [name, version])),
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.peerDependencies,
  }
  return new Map(Object.entries(all).filter(([name]) => !name.startsWith('@bestviable/')))
}
