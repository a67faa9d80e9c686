import { describe, expect, it } from 'vitest'
import {
  belowMinimum,
  type LockFile,
  readLockFile,
  readMinimumVersions,
  runtimePackages,
} from './lock-file.js'
import { publishedPackages, runtimeRanges, shippedPrograms } from './manifests.js'
import { compareVersions, lowestOf } from './version.js'

const minimums = readMinimumVersions()
const workspaces = [...publishedPackages(), ...shippedPrograms()]
/** The template is a project of its own and not in the lock file. */
const folders = workspaces.map(({ folder }) => folder).filter((each) => !each.startsWith('templ'))
const needed = new Set(workspaces.flatMap((workspace) => [...runtimeRanges(workspace).keys()]))

describe('P14 the minimum versions of runtime dependencies', () => {
  it('has an entry for every runtime dependency of every package', () => {
    expect([...needed].filter((name) => !Object.hasOwn(minimums, name))).toEqual([])
    expect(needed.size).toBeGreaterThan(10)
  })

  it('has no entry that nothing needs', () => {
    expect(Object.keys(minimums).filter((name) => !needed.has(name))).toEqual([])
  })

  it('is met by everything that the lock file installs at run time', () => {
    const installed = runtimePackages(readLockFile(), folders)
    expect(installed.length).toBeGreaterThan(100)
    expect(installed.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['koa', 'pg-protocol', 'oauth4webapi']),
    )
    // The copy of another program, which has versions of its own.
    const foreign = 'node_modules/@infisical/sdk/node_modules/zod'
    expect(belowMinimum(installed, minimums).filter((each) => !each.startsWith(foreign))).toEqual(
      [],
    )
  })

  it('is met by the oldest version that each published range allows', () => {
    const below = workspaces.flatMap((workspace) =>
      [...runtimeRanges(workspace)].flatMap(([name, range]) => {
        const lowest = lowestOf(range)
        const minimum = minimums[name]?.minimum ?? '0.0.0'
        return compareVersions(lowest, minimum) < 0 ? [`${workspace.folder}: ${name} ${range}`] : []
      }),
    )
    expect(below).toEqual([])
  })

  it('has an integrity for every package that is installed at run time', () => {
    const installed = runtimePackages(readLockFile(), folders)
    const without = installed.filter(({ integrity }) => !integrity?.startsWith('sha512-'))
    expect(without.map(({ path }) => path)).toEqual([])
  })
})

describe('belowMinimum()', () => {
  const lock = (version: string, nested?: string): LockFile => ({
    packages: {
      'packages/core': { dependencies: { jose: '^6.0.0', helper: '^1.0.0' } },
      'node_modules/jose': { version },
      'node_modules/helper': { version: '1.0.0', dependencies: { jose: '*' } },
      ...(nested === undefined
        ? {}
        : { 'node_modules/helper/node_modules/jose': { version: nested } }),
      'node_modules/unrelated': { version: '1.0.0', dependencies: { jose: '*' } },
      'node_modules/unrelated/node_modules/jose': { version: '1.0.0' },
    },
  })
  const found = (...versions: [string, string?]): readonly string[] =>
    belowMinimum(runtimePackages(lock(...versions), ['packages/core']), {
      jose: { minimum: '6.2.17', reason: 'of a test, and of nothing else' },
    })

  it.each(['6.2.17', '6.2.18', '6.10.0', '10.0.0'])('P14 allows %s', (version) => {
    expect(found(version)).toEqual([])
  })

  it.each(['6.2.16', '6.2.9', '6.1.99', '5.99.99', '6.2.17-rc.1'])('P14 finds %s', (version) => {
    expect(found(version)).toEqual([`node_modules/jose is ${version}, at least 6.2.17 is needed`])
  })

  it('P14 finds an old copy below another package, and none that nobody loads', () => {
    expect(found('6.2.17', '4.0.0')).toEqual([
      'node_modules/helper/node_modules/jose is 4.0.0, at least 6.2.17 is needed',
    ])
  })

  it('P14 refuses a range that it cannot read', () => {
    for (const range of ['*', '>=1', '1.x', 'latest', 'git+https://x.test/y']) {
      expect(() => lowestOf(range)).toThrow(TypeError)
    }
  })
})
