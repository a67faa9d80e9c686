import { defineConfig } from 'vitest/config'

/** Tests that need the whole machine: traffic against replicas, and hundreds of killed processes. */
const ALONE = [
  'examples/coda-mcp/test/rolling-migration.e2e.test.ts',
  'packages/authorization-server/test/crash/crash.test.ts',
  'packages/authorization-server/test/race/race.test.ts',
  'packages/store-postgres/test/crash/crash.test.ts',
]

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
          ],
          exclude: [...ALONE, '**/node_modules/**'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
})
