import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { DCLinter } from 'dclint'

// The order of keys is for readers, an image may be built or pulled, and Caddy is there to be reached.
const rules = {
  'service-keys-order': 0,
  'services-alphabetical-order': 0,
  'top-level-properties-order': 0,
  'no-build-and-image': 0,
  'no-unbound-port-interfaces': 0,
}

/** What the schema of Compose and its linter say. The linter validates against the schema first. */
export function lintCompose({ example }) {
  const path = join(example, 'deploy/compose.yaml')
  const [result] = new DCLinter({ rules, quiet: false, debug: false, exclude: [] }).lintFiles(
    [path],
    false,
  )
  return (result?.messages ?? []).map(
    ({ line, message, rule }) => `compose.yaml:${line}: ${message} (${rule})`,
  )
}

/** What Docker Compose itself says, or why it cannot be asked. */
export function runComposeConfig({ example }) {
  const run = (words) =>
    execFileSync('docker', ['compose', ...words], { stdio: 'pipe', encoding: 'utf8' })
  try {
    run(['version'])
  } catch {
    return { skipped: 'there is no "docker compose" on this machine' }
  }
  try {
    const profiles = ['https', 'tunnel', 'quick-tunnel', 'infisical'].flatMap((name) => [
      '--profile',
      name,
    ])
    run(['--file', join(example, 'deploy/compose.yaml'), ...profiles, 'config', '--quiet'])
    return []
  } catch (error) {
    return [`compose.yaml: docker compose config: ${error.stderr}`]
  }
}

/** Whether a service does its work and ends, since another one waits for that. */
function endsByItself(name, { services }) {
  return Object.values(services).some(
    ({ depends_on }) => depends_on?.[name]?.condition === 'service_completed_successfully',
  )
}

function checkService(name, service, compose, say) {
  const isTask = endsByItself(name, compose)
  if (isTask && service.restart !== 'no') say(`${name} would be started again when it has ended`)
  if (!isTask && service.restart !== 'unless-stopped') say(`${name} has no restart policy`)
  if (!service.cap_drop?.includes('ALL')) say(`${name} keeps capabilities`)
  if (!service.security_opt?.includes('no-new-privileges:true')) say(`${name} may gain privileges`)
  if (service.read_only !== true && name !== 'infisical')
    say(`${name} can write its root file system`)
  // A setting may name another image; what counts is the one that is taken without it.
  const image = service.image.replace(/^\$\{\w+:-(.*)\}$/, '$1')
  if (/:latest$|^[^:]+$/.test(image)) say(`${name} has no exact image`)
  for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
    const isHealthy = condition === 'service_healthy'
    const builtIn = other === 'coda-mcp'
    if (compose.services[other] === undefined)
      say(`${name} depends on ${other}, which is not there`)
    else if (isHealthy && !builtIn && compose.services[other].healthcheck === undefined) {
      say(`${name} waits for the health of ${other}, which has no health check`)
    }
  }
  for (const port of service.ports ?? []) {
    if (!port.startsWith('127.0.0.1:') && name !== 'caddy')
      say(`${name} publishes ${port} to everybody`)
  }
  if ((isTask || /postgres|redis/.test(name)) && String(service.networks) !== 'inside') {
    say(`${name} can be reached from outside of the network "inside"`)
  }
}

/** Only what makes the tables may have the password of their owner, and of the superuser nobody but the database. */
function checkDatabaseSecrets(compose, say) {
  const holders = {
    postgres_password: ['postgres'],
    database_owner_password: ['grant', 'postgres'],
    database_owner_url: ['migrate'],
  }
  for (const [secret, allowed] of Object.entries(holders)) {
    for (const [name, { secrets = [] }] of Object.entries(compose.services)) {
      if (secrets.includes(secret) && !allowed.includes(name)) say(`${name} can read ${secret}`)
    }
  }
}

/** Rules of this deployment. */
export function checkCompose({ compose, secretFiles, composeText, composeSettings }) {
  const problems = []
  const say = (what) => problems.push(`compose.yaml: ${what}`)
  const used = new Set()
  for (const [name, service] of Object.entries(compose.services)) {
    checkService(name, service, compose, say)
    for (const secret of service.secrets ?? []) {
      used.add(secret)
      if (compose.secrets[secret] === undefined)
        say(`${name} uses the secret ${secret}, which is not there`)
    }
    for (const [variable, value] of Object.entries(service.environment ?? {})) {
      const secret = /^\/run\/secrets\/(\w+)$/.exec(value)?.[1]
      if (secret !== undefined && !service.secrets?.includes(secret)) {
        say(`${variable} of ${name} names ${secret}, which is not mounted`)
      }
    }
    for (const profile of service.profiles ?? []) {
      if (!composeText.includes(`\n#   ${profile} `)) say(`the profile ${profile} is not described`)
    }
  }
  checkDatabaseSecrets(compose, say)
  for (const [secret, { file }] of Object.entries(compose.secrets)) {
    if (!used.has(secret)) say(`nobody uses the secret ${secret}`)
    if (file !== `./secrets/${secret}` || !secretFiles.includes(secret)) {
      say(`make-secrets.sh does not make the file of the secret ${secret}`)
    }
  }
  for (const [variable, value] of composeSettings) {
    const secret = /^\/run\/secrets\/(\w+)$/.exec(value)?.[1]
    if (secret !== undefined && !compose.services['coda-mcp'].secrets.includes(secret)) {
      problems.push(`compose.env.example: ${variable} names ${secret}, which is not mounted`)
    }
  }
  return problems
}
