import type { DatabaseOptions } from '../../src/database/options.js'
import { portableProfile, type TestEngine, testEngines } from './engines.js'

/** A way to use an engine. */
export interface Profile {
  readonly name: string
  readonly options: DatabaseOptions
}

/** An engine and how it is used, for `describe.each`. */
export interface Setup {
  readonly title: string
  readonly engine: TestEngine
  readonly profile: Profile
}

// By night every engine is used in every way. By day PGlite is used as it comes, and the one server in both
// ways; beside a server that was given, the other one in the portable way only.
const isWhole = process.env.TEST_ALL_PROFILES === '1'

/**
 * Makes the setups of suites, and those for tests to which the profile makes no difference: each engine
 * once, as it comes.
 */
export function createSetups(pollMilliseconds: number): {
  readonly setups: readonly Setup[]
  readonly engineSetups: readonly Setup[]
} {
  const plain: Profile = { name: 'as it comes', options: {} }
  const portable: Profile = { name: 'portable', options: { ...portableProfile, pollMilliseconds } }
  const profiles = [plain, portable]
  const engines = testEngines()
  const servers = engines.filter(({ kind, skip }) => kind === 'postgres' && skip === undefined)
  const setupOf = (engine: TestEngine, profile: Profile): Setup => ({
    title: `${engine.name}, ${profile.name}`,
    engine,
    profile,
  })
  function profilesOf(engine: TestEngine): readonly Profile[] {
    if (isWhole || (servers.length === 1 && engine === servers[0])) return profiles
    return [servers.indexOf(engine) > 0 ? portable : plain]
  }
  return {
    setups: engines.flatMap((engine) =>
      profilesOf(engine).map((profile) => setupOf(engine, profile)),
    ),
    engineSetups: engines.map((engine) => setupOf(engine, plain)),
  }
}
