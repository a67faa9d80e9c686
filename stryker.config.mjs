import { mutatedFiles, readGroup } from './test/security/mutation/groups.mjs'

const group = readGroup()

// One group of security modules at a time, named by MUTATION_GROUP: `node test/security/mutation/run.mjs`.
/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'test/security/mutation/vitest.config.mjs', related: false },
  mutate: mutatedFiles(group),
  coverageAnalysis: 'perTest',
  concurrency: Number(process.env.MUTATION_CONCURRENCY ?? 1),
  timeoutMS: 15_000,
  disableTypeChecks: false,
  checkers: [],
  // What tests of the groups read, and nothing else: the copy is made for every run.
  ignorePatterns: [
    '*',
    '!package.json',
    '!tsconfig.base.json',
    '!packages',
    '!packages/**',
    'packages/*/*',
    '!packages/*/package.json',
    '!packages/*/tsconfig.json',
    '!packages/*/src',
    '!packages/*/src/**',
    '!packages/*/test',
    '!packages/*/test/**',
    'node_modules',
    '!docs',
    'docs/*',
    '!docs/reference',
    'docs/reference/*',
    '!docs/reference/envelope.md',
    '!test',
    'test/*',
    '!test/security',
    'test/security/*',
    '!test/security/mutation',
    '!test/security/mutation/**',
    '!test/security/support',
    '!test/security/support/**',
  ],
  tempDirName: process.env.MUTATION_FOLDER ?? '.stryker-tmp',
  reporters: ['json', 'progress-append-only'],
  jsonReporter: {
    fileName: process.env.MUTATION_RESULT ?? `.stryker-tmp/${group.name}.json`,
  },
  logLevel: 'warn',
  allowConsoleColors: false,
}
