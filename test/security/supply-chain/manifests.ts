import { readdirSync, readFileSync } from 'node:fs'
import { z } from 'zod'

const ROOT = new URL('../../../', import.meta.url)

const Ranges = z.record(z.string(), z.string()).optional()

const Manifest = z.looseObject({
  name: z.string(),
  private: z.boolean().optional(),
  dependencies: Ranges,
  optionalDependencies: Ranges,
  peerDependencies: Ranges,
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

/** Names and ranges of what an installation brings along, own packages aside. */
export function runtimeRanges({ manifest }: Workspace): ReadonlyMap<string, string> {
  const all = {
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.peerDependencies,
  }
  return new Map(Object.entries(all).filter(([name]) => !name.startsWith('@bestviable/')))
}
