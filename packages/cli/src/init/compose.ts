import * as z from 'zod/mini'
import type { Choice } from './choices.js'
import { layersOf } from './layers.js'

/** What a server is made from. */
export interface CompositionOptions extends Choice {
  /** Name of the npm package. */
  readonly name: string
  /** Version of our packages that the server depends on. */
  readonly version: string
  /** Files of the template by path. */
  readonly template: Readonly<Record<string, string>>
}

/** Files of a server by path, in the order in which they are written. */
export type ComposedFiles = ReadonlyMap<string, string>

const texts = z.record(z.string(), z.string())
const Manifest = z.looseObject({
  scripts: z.optional(texts),
  dependencies: z.optional(texts),
  devDependencies: z.optional(texts),
})

/** The name that the template has in its texts. */
const TEMPLATE_NAME = 'my-mcp-server'
/** The version that our packages have in the template. */
const TEMPLATE_VERSION = '0.0.0'

/** Files of one layer by their path in it. */
function filesOf(template: CompositionOptions['template'], layer: string): [string, string][] {
  const folder = `${layer}/`
  return Object.entries(template).flatMap(([path, text]): [string, string][] =>
    path.startsWith(folder) ? [[path.slice(folder.length), text]] : [],
  )
}

function sorted(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1)))
}

/** Puts the parts of the layers into the `package.json` of the base. */
function composeManifest(parts: readonly string[], { name, version }: CompositionOptions): string {
  const [base, ...more] = parts.map((part): unknown => JSON.parse(part))
  const manifests = [base, ...more].map((manifest) => Manifest.parse(manifest))
  const merged = (member: 'scripts' | 'dependencies' | 'devDependencies') =>
    sorted(Object.assign({}, ...manifests.map((manifest) => manifest[member])))
  const dependencies = Object.entries(merged('dependencies')).map(([dependency, range]) => [
    dependency,
    range === TEMPLATE_VERSION ? version : range,
  ])
  const manifest = {
    ...Object(base),
    name,
    scripts: merged('scripts'),
    dependencies: Object.fromEntries(dependencies),
    devDependencies: merged('devDependencies'),
  }
  return `${JSON.stringify(manifest, null, 2)}\n`
}

const SLOT = /^<!-- readme: ([\w-]+) -->\n/gm

/** Fills the places of the base's README with what the layers have for them. */
function composeReadme(base: string, parts: ReadonlyMap<string, readonly string[]>): string {
  const text = base.replace(SLOT, (_, slot: string) => parts.get(slot)?.join('') ?? '')
  // A place that nothing fills would leave its blank lines behind.
  return text.replace(/\n{3,}/g, '\n\n')
}

/** The name without its scope, which names of containers and connectors cannot have. */
function shortNameOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1)
}

/** Puts a server together from the layers of a choice. Two layers never bring the same file. */
export function composeServer(options: CompositionOptions): ComposedFiles {
  const files = new Map<string, string>()
  const manifests: string[] = []
  const examples: string[] = []
  const readmes = new Map<string, string[]>()

  for (const layer of layersOf(options)) {
    for (const [path, text] of filesOf(options.template, layer)) {
      const slot = /^readme\/([\w-]+)\.md$/.exec(path)?.[1]
      if (path === 'package.json' || path === 'manifest.json') manifests.push(text)
      else if (path === '.env.example') examples.push(text)
      else if (slot !== undefined) readmes.set(slot, [...(readmes.get(slot) ?? []), text])
      else if (files.has(path)) throw new Error(`two layers of the template have ${path}`)
      else files.set(path, text)
    }
  }
  files.set('package.json', composeManifest(manifests, options))
  files.set('.env.example', examples.join(''))
  files.set(
    'README.md',
    composeReadme(files.get('README.md') ?? '', readmes).replaceAll(
      TEMPLATE_NAME,
      shortNameOf(options.name),
    ),
  )
  return new Map([...files].sort(([one], [other]) => (one < other ? -1 : 1)))
}
