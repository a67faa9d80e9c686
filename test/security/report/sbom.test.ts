import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isLongForm } from '../support/long-form.js'
import { bundledInto } from './bundled.mjs'
import { ROOT } from './find-suites.mjs'
import { createSboms, listPackages } from './sbom.mjs'

interface LockEntry {
  readonly version?: string
  readonly resolved?: string
  readonly link?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const lock: { readonly packages: Readonly<Record<string, LockEntry>> } = JSON.parse(
  readFileSync(join(ROOT, 'package-lock.json'), 'utf8'),
)

/** Where Node.js finds a package from a place in the lockfile: the nearest `node_modules`. */
function locate(from: string, name: string): string | undefined {
  for (let place = from; ; place = place.slice(0, Math.max(0, place.lastIndexOf('/')))) {
    const path = place === '' ? `node_modules/${name}` : `${place}/node_modules/${name}`
    const entry = lock.packages[path]
    if (entry !== undefined) return entry.link === true ? entry.resolved : path
    if (place === '') return undefined
  }
}

/** The places in the lockfile that a package needs at run time, by any number of steps. */
function runtimePlaces(from: string, seen = new Set<string>()): ReadonlySet<string> {
  for (const name of Object.keys(lock.packages[from]?.dependencies ?? {})) {
    const place = locate(from, name)
    if (place === undefined) throw new Error(`${name} of ${from} is not in the lockfile`)
    if (seen.has(place)) continue
    seen.add(place)
    runtimePlaces(place, seen)
  }
  return seen
}

function nameAt(place: string): string {
  if (place.includes('node_modules/')) return place.slice(place.lastIndexOf('node_modules/') + 13)
  return JSON.parse(readFileSync(join(ROOT, place, 'package.json'), 'utf8')).name
}

/** npm starts for each: by day the one with the most dependencies and the one that bundles the most. */
const BY_DAY = ['packages/cli', 'packages/mcp-auth-middleware']
const isWanted = ({ folder }: { readonly folder: string }) => isLongForm || BY_DAY.includes(folder)
const wanted = listPackages().filter(isWanted)

describe('sbom.mjs', () => {
  it('names every runtime dependency of every published package, offline', {
    timeout: 300_000,
  }, () => {
    const bills = new Map(createSboms(isWanted).map(({ name, bill }) => [name, bill]))
    expect([...bills.keys()].sort()).toEqual(wanted.map(({ name }) => name).sort())
    expect(bills.size).toBeGreaterThan(isLongForm ? 5 : 1)
    for (const { folder, name, version } of wanted) {
      const bill = bills.get(name)
      if (bill === undefined) throw new Error(`no bill for ${name}`)
      expect(bill.bomFormat).toBe('CycloneDX')
      expect(decodeURIComponent(bill.metadata.component.purl)).toBe(`pkg:npm/${name}@${version}`)
      const named = new Set(
        bill.components.map(({ purl }) => decodeURIComponent(purl).split('?')[0]),
      )
      const needed = [...runtimePlaces(folder)].map(
        (place) => `pkg:npm/${nameAt(place)}@${lock.packages[place]?.version}`,
      )
      const bundled = bundledInto(join(ROOT, folder))
      needed.push(...bundled.map((each) => `pkg:npm/${each.name}@${each.version}`))
      expect(needed.filter((each) => !named.has(each))).toEqual([])
      expect(needed.length, name).toBeGreaterThan(0)
      const subject = bill.metadata.component['bom-ref']
      const direct = bill.dependencies.find(({ ref }) => ref === subject)?.dependsOn
      expect(direct, name).toEqual(
        expect.arrayContaining(bundled.map((each) => `${each.name}@${each.version}`)),
      )
      // Development tools are no part of it; TypeScript may be, as a peer of a dependency.
      expect([...named].filter((each) => /npm\/(?:vitest|tsup|turbo)@/.test(each ?? ''))).toEqual(
        [],
      )
    }
  })
})
