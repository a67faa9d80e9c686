// Prints the tests of the files that it is given, as the test runner collects them: path, full name and
// whether each runs. Nothing is executed but the files themselves.
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createVitest } from 'vitest/node'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const vitest = await createVitest('test', { root: ROOT, watch: false, reporters: [] })
try {
  const { testModules, unhandledErrors } = await vitest.collect(process.argv.slice(2))
  const errors = [
    ...unhandledErrors,
    ...testModules.flatMap((testModule) => [...testModule.errors()]),
  ]
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join('\n'))
  const tests = testModules.flatMap((testModule) =>
    [...testModule.children.allTests()].map((test) => ({
      path: relative(ROOT, testModule.moduleId),
      name: test.fullName,
      runs: test.options.mode === 'run' || test.options.mode === undefined,
    })),
  )
  process.stdout.write(JSON.stringify(tests))
} finally {
  await vitest.close()
}
