import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { compareVersions } from './version.js'

const Names = z.record(z.string(), z.string()).optional()

const LockFile = z.looseObject({
  packages: z.record(
    z.string(),
    z.looseObject({
      version: z.string().optional(),
      link: z.boolean().optional(),
      resolved: z.string().optional(),
      integrity: z.string().optional(),
      dependencies: Names,
      optionalDependencies: Names,
      peerDependencies: Names,
    }),
  ),
})

/** The part of `package-lock.json` that says what is installed. */
export type LockFile = z.infer<typeof LockFile>

/** One installed package that an entry point needs at run time. */
export interface Installed {
  readonly name: string
  readonly version: string
  /** Its place in the lock file. */
  readonly path: string
  readonly integrity: string | undefined
}

/** Versions below which nothing is released, by package. */
export type MinimumVersions = Readonly<Record<string, { minimum: string; reason: string }>>

export function parseLockFile(text: string): LockFile {
  return LockFile.parse(JSON.parse(text))
}

export function readLockFile(): LockFile {
  return parseLockFile(readFileSync(new URL('../../../package-lock.json', import.meta.url), 'utf8'))
}

export function readMinimumVersions(): MinimumVersions {
  const text = readFileSync(new URL('./minimum-versions.json', import.meta.url), 'utf8')
  return z
    .record(z.string(), z.strictObject({ minimum: z.string(), reason: z.string().min(20) }))
    .parse(JSON.parse(text))
}

/** Where Node.js finds a package from another one: beside it, or in a folder above. */
function resolve(lock: LockFile, from: string, name: string): string | undefined {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) {
    const path = `${at === '' ? '' : `${at}/`}node_modules/${name}`
    if (lock.packages[path] !== undefined) return path
    if (at === '') return undefined
  }
}

/** Everything that is loaded at run time from these folders, through all dependencies. */
export function runtimePackages(lock: LockFile, folders: readonly string[]): readonly Installed[] {
  const found = new Map<string, Installed>()
  const waiting = [...folders]
  const seen = new Set<string>()
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue
    seen.add(path)
    const entry = lock.packages[path]
    if (entry === undefined) throw new Error(`the lock file has no ${path}`)
    if (entry.link === true && entry.resolved !== undefined) {
      waiting.push(entry.resolved)
      continue
    }
    if (path.includes('node_modules/') && entry.version !== undefined) {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
      found.set(path, { name, version: entry.version, path, integrity: entry.integrity })
    }
    const needed = {
      ...entry.dependencies,
      ...entry.optionalDependencies,
      ...entry.peerDependencies,
    }
    for (const name of Object.keys(needed)) {
      const next = resolve(lock, path, name)
      // An optional one for another platform, or an optional peer that is not installed.
      if (next !== undefined) waiting.push(next)
    }
  }
  return [...found.values()].sort((left, right) => (left.path < right.path ? -1 : 1))
}

/** The installed packages that are older than they may be. */
export function belowMinimum(
  installed: readonly Installed[],
  minimums: MinimumVersions,
): readonly string[] {
  return installed.flatMap(({ name, version, path }) => {
    const minimum = Object.hasOwn(minimums, name) ? minimums[name]?.minimum : undefined
    if (minimum === undefined || compareVersions(version, minimum) >= 0) return []
    return [`${path} is ${version}, at least ${minimum} is needed`]
  })
}
