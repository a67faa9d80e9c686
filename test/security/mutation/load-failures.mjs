const hasFailed = ({ type, result, tasks = [] }) =>
  (type === 'test' && result?.state === 'fail') || tasks.some(hasFailed)

/** No mutant changes what is imported: then a build was under way, and nothing was found out. */
const isUnresolved = ({ message = '' }) => /^(?:Failed to resolve|Cannot find)\b/.test(message)

/**
 * Makes a failed test of a test file that could not be loaded. Such a file has no tests at all, and
 * Stryker takes a mutant for unnoticed when no test has failed.
 *
 * @type {import('vitest/reporters').Reporter}
 */
export const loadFailures = {
  onTestRunEnd(modules) {
    for (const { task: file } of modules) {
      const { result } = file
      if (result?.state !== 'fail' || hasFailed(file)) continue
      if (result.errors?.some(isUnresolved)) continue
      file.tasks.push({ type: 'test', name: 'the file loads', mode: 'run', file, meta: {}, result })
    }
  },
}
