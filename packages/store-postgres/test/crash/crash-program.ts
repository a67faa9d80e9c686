import { writeSync } from 'node:fs'
import { type CrashJob, runCrashJob } from './crash-job.js'
import { type CrashPlan, createCrashPoints } from './crash-points.js'

/* One run of a job, in a process of its own that is killed at the planned point. */

const { plan, ...job } = JSON.parse(process.env.CRASH_JOB ?? '{}') as CrashJob & {
  readonly plan?: CrashPlan
}
const points = createCrashPoints(plan)
// Written at once: what was acknowledged must be known, however soon the process ends.
await runCrashJob(job, points, (index) => writeSync(1, `set ${index}\n`))
writeSync(1, `points ${JSON.stringify([...points.passed])}\n`)
