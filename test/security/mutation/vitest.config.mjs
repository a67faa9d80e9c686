import { defineConfig } from 'vitest/config'
import { readGroup, testFiles } from './groups.mjs'

// Every mutant runs these again, so there is nothing in them but the fast tests of its own group.
export default defineConfig({
  test: {
    include: testFiles(readGroup()),
    exclude: ['**/node_modules/**'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
})
