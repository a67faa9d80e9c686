// Checks everything that deploys examples/coda-mcp: the Dockerfile, compose.yaml, the manifests, the
// unit file, the alert rules and the dashboard, each by its own rules and all against each other and the
// server. A check that cannot be made here is said with its reason; on CI it fails, unless it needs a
// container engine, which no step can install.
import { fileURLToPath, pathToFileURL } from 'node:url'
import { checkAgreement } from './deploy/agreement.mjs'
import { checkCompose, lintCompose, runComposeConfig } from './deploy/compose.mjs'
import { checkDockerfile } from './deploy/dockerfile.mjs'
import { readDeployment } from './deploy/documents.mjs'
import { checkKubernetes } from './deploy/kubernetes.mjs'
import { checkDashboard, checkRules, testRules } from './deploy/prometheus.mjs'
import { checkUnit, verifyUnit } from './deploy/systemd.mjs'

/** Each returns its problems, or `{ skipped }` with the reason where what it needs is not there. */
const checks = {
  'Compose schema and linter': lintCompose,
  'Compose rules': checkCompose,
  'docker compose config': runComposeConfig,
  Dockerfile: checkDockerfile,
  Kubernetes: checkKubernetes,
  'systemd-analyze': verifyUnit,
  'systemd rules': checkUnit,
  agreement: checkAgreement,
  'promtool check rules': checkRules,
  'promtool test rules': testRules,
  'promtool on the dashboard': checkDashboard,
}

const NEEDS_ENGINE = 'docker compose config'

/** Whether this runs where everything that checks need is there. */
const isCi = /^(?:1|true)$/i.test(process.env.CI ?? '')

/** All problems of a copy of the example, and the checks that could not be made, with the reason. */
export function checkDeploy(example, only = Object.keys(checks)) {
  const problems = []
  const skipped = []
  const deployment = readDeployment(example, problems)
  if (problems.length > 0) return { problems, skipped }
  for (const name of only) {
    const found = checks[name](deployment)
    if (Array.isArray(found)) problems.push(...found)
    else skipped.push({ name, reason: found.skipped })
  }
  return { problems, skipped }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const example = process.argv[2] ?? fileURLToPath(new URL('../examples/coda-mcp', import.meta.url))
  const { problems, skipped } = checkDeploy(example)
  const fails = ({ name }) => isCi && name !== NEEDS_ENGINE
  for (const check of skipped) {
    const said = fails(check) ? 'not made, which fails on CI' : 'skipped'
    console.log(`${said}: ${check.name}: ${check.reason}`)
  }
  for (const problem of problems) console.log(problem)
  const made = Object.keys(checks).length - skipped.length
  console.log(`${made} checks of the deployment, ${problems.length} problems`)
  if (problems.length > 0 || skipped.some(fails)) process.exitCode = 1
}
