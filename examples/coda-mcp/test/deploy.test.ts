import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isLongForm } from '../../../test/security/support/long-form.js'
import { documentationOf, variableNames } from '../src/config/variables.js'
import { createHealth } from '../src/health.js'
import {
  alerts,
  checkDeploy,
  checkProgram,
  compose,
  dashboard,
  example,
  manifest,
  problemsOf,
  readVariables,
  unit,
} from './support/deployment.js'

const isCi = /^(?:1|true)$/i.test(process.env.CI ?? '')
/** Checks that somebody else's program makes. */
const needsProgram = [
  'docker compose config',
  'systemd-analyze',
  'promtool check rules',
  'promtool test rules',
  'promtool on the dashboard',
]

describe('a check whose program is not there', () => {
  const runWithout = (env: Record<string, string>) =>
    spawnSync(process.execPath, [checkProgram], {
      env: { PATH: '/nowhere', PROMTOOL: '/nowhere/promtool', ...env },
      encoding: 'utf8',
    })

  it('is skipped on a machine of one’s own, which is said with the reason', () => {
    const { status, stdout } = runWithout({})
    expect(stdout).toMatch(/^\d+ checks of the deployment, 0 problems$/m)
    const said = [...stdout.matchAll(/^skipped: (.+?): (there is no .+)$/gm)]
    expect(said.map(([, name]) => name)).toEqual(needsProgram)
    expect(status).toBe(0)
  }, 60_000)

  // The program takes five seconds of work each time, so that the other spellings have their turn by night.
  it.each(isLongForm ? ['true', '1'] : ['true'])(
    'fails where CI is %s, and is named',
    (CI) => {
      const { status, stdout } = runWithout({ CI })
      expect(stdout).toMatch(/^\d+ checks of the deployment, 0 problems$/m)
      const said = [...stdout.matchAll(/^not made, which fails on CI: (.+?): (there is no .+)$/gm)]
      expect(said.map(([, name]) => name)).toEqual(needsProgram.slice(1))
      expect(stdout).toMatch(/^skipped: docker compose config: there is no /m)
      expect(status).toBe(1)
    },
    60_000,
  )

  it.skipIf(!isLongForm)(
    'does not fail where CI is false, by night',
    () => {
      expect(runWithout({ CI: 'false' }).status).toBe(0)
    },
    60_000,
  )
})

describe('the deployment', () => {
  it('has no problem, and every check that this machine can make was made', () => {
    const { problems, skipped } = checkDeploy(example)
    expect(problems).toEqual([])
    // A container engine is the one thing that no step can install.
    const optional = isCi ? needsProgram.slice(0, 1) : needsProgram
    expect(optional).toEqual(expect.arrayContaining(skipped.map(({ name }) => name)))
  }, 60_000)

  it('is checked against every variable of the schema', () => {
    const read = readVariables(readFileSync(join(example, 'README.md'), 'utf8'))
    expect([...read]).toEqual(
      variableNames.map((name) => {
        const documented = documentationOf(name)
        return [name, { fallback: documented?.default, file: documented?.file }]
      }),
    )
  })

  it('asks for paths that the server has', () => {
    const { router } = createHealth({ version: '0', store: 'env' })
    const paths = router.stack.flatMap(({ route }) => route?.path ?? [])
    expect(paths).toEqual(expect.arrayContaining(['/health/live', '/health/ready']))
  })
})

describe('a value that is not the same in YAML 1.1 and 1.2', () => {
  it.each([
    ['no', 'drop: [ALL]', 'drop: [no]'],
    ['0440', 'defaultMode: 288', 'defaultMode: 0440'],
  ])('%s is refused', (_, text, replacement) => {
    const problem = problemsOf('agreement', manifest('deployment'), text, replacement)
    expect(problem).toMatch(/deployment.yaml: a value needs quotes/)
  })
})

describe('Compose schema and linter', () => {
  it.each([
    [
      'a key that does not exist',
      'restart: unless-stopped',
      'restrat: unless-stopped',
      'additional properties',
    ],
    [
      'a value of another type',
      'stop_grace_period: 35s',
      'stop_grace_period: [35]',
      'stop_grace_period',
    ],
    ['an image without a version', 'caddy:2.10.0-alpine', 'caddy', 'caddy'],
    ['a port without quotes', /'(127[^']*:8080)'/, '$1', 'quot'],
  ])('refuses %s', (_, text, replacement, expected) => {
    expect(problemsOf('Compose schema and linter', compose, text, replacement)).toContain(expected)
  })
})

describe('Compose rules', () => {
  it.each([
    ['capabilities', 'cap_drop: [ALL]', 'cap_drop: [NET_RAW]', 'keeps capabilities'],
    ['privileges', "'no-new-privileges:true'", "'label:disable'", 'may gain privileges'],
    [
      'a root file system that can be written',
      'read_only: true',
      'read_only: false',
      'can write its root',
    ],
    ['no restart policy', 'restart: unless-stopped', "restart: 'no'", 'has no restart policy'],
    [
      'a migration without end',
      "restart: 'no'",
      'restart: unless-stopped',
      'migrate would be started again',
    ],
    [
      'an image whose tag moves',
      /coda-mcp:\d+\.\d+\.\d+\}/,
      'coda-mcp:latest}',
      'migrate has no exact image',
    ],
    [
      'a server that owns the tables',
      /( {6}- )database_url\n/,
      '$1database_owner_url\n',
      'coda-mcp can read database_owner_url',
    ],
    [
      'a server with the password of the superuser',
      '      - encryption_keys\n',
      '      - encryption_keys\n      - postgres_password\n',
      'coda-mcp can read postgres_password',
    ],
    [
      'a migration that everybody reaches',
      /(secrets: \[database_owner_url, encryption_keys\]\n {4}networks: )\[inside\]/,
      '$1[inside, proxy]',
      'migrate can be reached from outside',
    ],
    [
      'a database that everybody reaches',
      'networks: [inside]',
      'networks: [proxy]',
      'from outside',
    ],
    ['a published port', "'127.0.0.1:${LOCAL_PORT", "'0.0.0.0:${LOCAL_PORT", 'to everybody'],
    ['a secret that is not mounted', '      - encryption_keys\n', '', 'which is not mounted'],
    ['a secret that nobody makes', './secrets/tunnel_token', './secrets/other', 'does not make'],
    [
      'a dependency that has no health',
      /healthcheck:\n {6}test: \[CMD, pg_isready[^\n]*coda_mcp[\s\S]*?start_period: 60s\n/,
      '',
      'no health check',
    ],
    [
      'a profile without a word',
      '#   tunnel  ',
      '#   tunel  ',
      'the profile tunnel is not described',
    ],
  ])('refuse %s', (_, text, replacement, expected) => {
    expect(problemsOf('Compose rules', compose, text, replacement)).toContain(expected)
  })
})

describe('Dockerfile', () => {
  it.each([
    ['an unknown flag', '--interval=10s', '--interva=10s', 'interva'],
    ['an unknown instruction', 'STOPSIGNAL SIGTERM', 'STOPSIGNL SIGTERM', 'STOPSIGNL'],
    ['root', 'USER 10001:10001', 'USER 0:0', 'USER must be numbers'],
    ['a user by name', 'USER 10001:10001', 'USER node', 'USER must be numbers'],
    ['a version that moves', 'node:24.21.0-bookworm-slim', 'node:24-slim', 'not an exact version'],
    ['another signal', 'STOPSIGNAL SIGTERM', 'STOPSIGNAL SIGKILL', 'STOPSIGNAL must be'],
    [
      'a shell that keeps the signals',
      'ENTRYPOINT ["node", "examples/coda-mcp/dist/main.js"]',
      'ENTRYPOINT node examples/coda-mcp/dist/main.js',
      'ENTRYPOINT must be in JSON form',
    ],
    [
      'npm in place of node',
      'ENTRYPOINT ["node", "examples/coda-mcp/dist/main.js"]',
      'ENTRYPOINT ["npm", "start"]',
      'must start node itself',
    ],
    ['no health check', /HEALTHCHECK[\s\S]*?\nENTRY/, 'ENTRY', 'HEALTHCHECK is missing'],
    [
      'no label',
      'org.opencontainers.image.source',
      'org.opencontainers.image.other',
      'label source',
    ],
  ])('refuses %s', (_, text, replacement, expected) => {
    expect(problemsOf('Dockerfile', 'Dockerfile', text, replacement)).toContain(expected)
  })
})

describe('systemd', () => {
  it.each([
    ['a setting that does not exist', 'ProtectHome=yes', 'ProtectHomes=yes', 'ProtectHomes'],
    ['a value that does not exist', 'Restart=on-failure', 'Restart=sometimes', 'restart specifier'],
    [
      'more exposure',
      /^(Protect|Private|Restrict|System|Capab|Dynamic|NoNew).*$/gm,
      '',
      'exposure',
    ],
  ])('verification refuses %s', (_, text, replacement, expected) => {
    const problems = problemsOf('systemd-analyze', unit, text, replacement)
    if (problems !== 'skipped') expect(problems).toContain(expected)
  })

  it('rules refuse a unit that runs as root', () => {
    expect(problemsOf('systemd rules', unit, 'DynamicUser=yes', 'DynamicUser=no')).toContain(
      'DynamicUser',
    )
  })
})

describe('promtool', () => {
  it('refuses an alert that cannot be parsed', () => {
    const problems = problemsOf('promtool check rules', alerts, /expr: .*/, 'expr: sum(')
    if (problems !== 'skipped') expect(problems).toContain('parse error')
  })

  it('refuses a panel whose query cannot be parsed, and names it', () => {
    const problems = problemsOf(
      'promtool on the dashboard',
      dashboard,
      'sum(server_ready{',
      'sum(server_ready[',
    )
    if (problems === 'skipped') return
    expect(problems).toContain('"Ready replicas"')
    expect(problems).toContain('parse error')
  })

  it('refuses a panel that compares what cannot be compared', () => {
    const problems = problemsOf(
      'promtool on the dashboard',
      dashboard,
      'sum(server_ready{',
      'rate(server_ready{',
    )
    if (problems !== 'skipped') expect(problems).toContain('expected type range vector')
  })
})
