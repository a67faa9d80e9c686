import { defineConfig } from 'vitest/config'
import { readGroup, testFiles } from './groups.mjs'
import { loadFailures } from './load-failures.mjs'

/**
 * Vitest 4.1 gives a suite as the second argument of `afterAll`, where Stryker 9.5 reads it from the first.
 * Without it no coverage is known, and every mutant runs every test.
 */
const suiteOfHook = {
  name: 'suite-of-hook',
  transform: (code, id) =>
    /stryker-setup-\d+\.js/.test(id)
      ? code.replaceAll('afterAll(({ meta })', 'afterAll(({}, { meta })')
      : undefined,
}

// Every mutant runs these again, so there is nothing in them but the fast tests of its own group. They
// share a process, which is a new one for each mutant: most of the time goes into loading modules.
export default defineConfig({
  plugins: [suiteOfHook],
  test: {
    include: testFiles(readGroup()),
    exclude: ['**/node_modules/**'],
    globalSetup: ['test/security/mutation/keys.mjs'],
    setupFiles: ['test/security/mutation/setup.mjs'],
    reporters: [loadFailures],
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
})
