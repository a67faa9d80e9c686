import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Tests that need the whole machine: traffic against replicas, with limits on what it is answered. */
const ALONE = [
  'examples/coda-mcp/test/load.e2e.test.ts',
  'examples/coda-mcp/test/move-between-ways-in.e2e.test.ts',
  'examples/coda-mcp/test/rolling-migration.e2e.test.ts',
  'packages/authorization-server/test/race/race.test.ts',
]

/** Tests of a minute and more, which take one core each and mind nobody beside them. */
const BESIDE = [
  'examples/coda-mcp/test/authorization-server-clients.e2e.test.ts',
  'examples/coda-mcp/test/isolation.e2e.test.ts',
  'examples/coda-mcp/test/memory.e2e.test.ts',
  'test/security/process/memory.test.ts',
  'packages/authorization-server/test/crash/crash.test.ts',
  'packages/store-postgres/test/crash/crash.test.ts',
]

/** Faults and floods, which run every night and for the security report: minutes of waiting for deadlines. */
const NIGHTLY = ['test/security/faults/*.alone.test.ts', 'test/security/process/abuse.test.ts']
const isLong =
  (process.env.SECURITY_LONG ?? '') !== '' || (process.env.SECURITY_FIGURES ?? '') !== ''

/**
 * Workers of tests that mind nobody beside them: two for each core, since most of them wait half of their
 * time, for a database, a started process or a deadline.
 */
const WORKERS = 2 * Math.max(2, availableParallelism())

const CORE = 'packages/mcp-auth-middleware/test'

/** What one file changes for others in the same process: modules, the clock, globals. */
const CHANGES_PROCESS =
  /\bvi\.(?!fn\b)\w+|\bprocess\.(?:on|once|chdir)\(|\bprocess\.env\b|\bglobalThis\.\w+ =[^=>]|prototype\.\w+ =[^=>]/

/**
 * Tests of the core that leave their process as it was. They load the same modules one file after the other,
 * which takes longer than the tests, so that they share a process.
 */
const SHARED = readdirSync(new URL(CORE, import.meta.url), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts') && !/^(?:e2e|review)\b/.test(file))
  .map((file) => join(CORE, file))
  .filter((file) => {
    const text = readFileSync(new URL(file, import.meta.url), 'utf8')
    return !CHANGES_PROCESS.test(text)
  })

export default defineConfig({
  test: {
    testTimeout: 20_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'together',
          include: [
            'packages/*/test/**/*.test.ts',
            'examples/*/test/**/*.test.ts',
            'docs/test/**/*.test.ts',
            'test/**/*.test.ts',
          ],
          exclude: [...ALONE, ...NIGHTLY, ...BESIDE, ...SHARED, '**/node_modules/**'],
          maxWorkers: WORKERS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'shared',
          include: SHARED,
          isolate: false,
          maxWorkers: WORKERS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: isLong ? [...ALONE, ...NIGHTLY] : ALONE,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: { name: 'beside', include: BESIDE, maxWorkers: 3, sequence: { groupOrder: 2 } },
      },
    ],
  },
})
