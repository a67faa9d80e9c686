import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { readConfig } from '../src/config.js'

const example = fileURLToPath(new URL('..', import.meta.url))
const compose = parse(readFileSync(join(example, 'deploy/compose.yaml'), 'utf8'), { merge: true })
let folder: string

function makeSecrets(): string {
  const script = join(example, 'deploy/make-secrets.sh')
  return execFileSync('sh', [script, join(folder, 'secrets')], { encoding: 'utf8' })
}
const made = (name: string) => readFileSync(join(folder, 'secrets', name), 'utf8')

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'secrets-'))
  makeSecrets()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('make-secrets.sh', () => {
  it('makes every file that compose.yaml mounts, passed by their owner only', () => {
    const mounted = Object.keys(compose.secrets)
    expect(readdirSync(join(folder, 'secrets'))).toEqual(expect.arrayContaining(mounted))
    expect(statSync(join(folder, 'secrets')).mode & 0o777).toBe(0o700)
    // The user of the container is nobody on this machine.
    for (const name of mounted) {
      expect(statSync(join(folder, 'secrets', name)).mode & 0o777).toBe(
        made(name) === '' ? 0o644 : 0o444,
      )
    }
  })

  it('makes a password for each role and both sides of it, and a key of 32 bytes', () => {
    const passwords = ['database_password', 'database_owner_password', 'postgres_password'].map(
      made,
    )
    expect(new Set(passwords).size).toBe(3)
    for (const password of passwords) expect(password).toMatch(/^[0-9a-f]{48}$/)
    const address = '@postgres:5432/coda_mcp'
    expect(made('database_url')).toBe(`postgres://coda_mcp:${passwords[0]}${address}`)
    expect(made('database_owner_url')).toBe(`postgres://coda_mcp_owner:${passwords[1]}${address}`)
    expect(Buffer.from(made('encryption_keys'), 'base64')).toHaveLength(32)
    expect(made('infisical.env')).toContain(`:${made('infisical_postgres_password')}@`)
  })

  it('leaves what is there as it is, and prints no secret', () => {
    const names = Object.keys(compose.secrets)
    const before = names.map(made)
    const output = makeSecrets()
    expect(names.map(made)).toEqual(before)
    for (const value of before.filter((each) => each !== '')) expect(output).not.toContain(value)
  })
})

/** A mounted secret, as the server finds it. */
const readSecret = (path: string) => made(path.split('/').at(-1) ?? '')

/** Fills in a value of compose.yaml as Compose does: `${NAME:-default}`, innermost first. */
function interpolate(text: string, settings: Record<string, string>): string {
  const filled = text.replace(
    /\$\{(\w+):-([^${}]*)\}/,
    (_, name: string, fallback: string) => settings[name] || fallback,
  )
  return filled === text ? text : interpolate(filled, settings)
}

function settingsOf(file: string): Record<string, string> {
  const lines = readFileSync(join(example, file), 'utf8').matchAll(/^([A-Z_]+)=(.*)$/gm)
  return Object.fromEntries([...lines].map(([, name, value]) => [name, value]))
}

describe('the settings as they stand', () => {
  const host = 'https://coda.example.com'
  const imageVariables = {
    NODE_ENV: 'production',
    HOST: '0.0.0.0',
    PORT: '8080',
    DATA_DIR: '/data',
  }

  it('of Compose start a server that people sign in at by their Coda token', () => {
    const settings = settingsOf('deploy/compose.env.example')
    const environment = Object.entries<string>(compose.services['coda-mcp'].environment)
    const set = environment.map(([name, value]) => [name, interpolate(value, settings)])
    const config = readConfig(
      { ...imageVariables, ...settings, ...Object.fromEntries(set) },
      readSecret,
    )
    expect(config).toMatchObject({ publicUrl: host, store: { kind: 'postgres' }, firstRun: false })
    expect(config.authorizationServer).toBeDefined()
    expect(config.warnings).toEqual([])
    expect(config.drainSeconds).toBeLessThan(35)
  })

  it('of Kubernetes start the same', () => {
    const [map] = parseAllDocuments(
      readFileSync(join(example, 'deploy/kubernetes/config-map.yaml'), 'utf8'),
    )
    const config = readConfig({ ...imageVariables, ...map?.toJS().data }, readSecret)
    expect(config).toMatchObject({ publicUrl: host, store: { kind: 'postgres' }, firstRun: false })
    expect(config.authorizationServer).toBeDefined()
    expect(config.warnings).toEqual([])
  })
})

describe('the settings of systemd', () => {
  const text = readFileSync(join(example, 'deploy/systemd/coda-mcp.service'), 'utf8')
  const lines = [...text.matchAll(/^Environment=(.*)$/gm)].flatMap(([, line]) => line?.split(' '))
  const unit = Object.fromEntries(
    lines.map((line) => (line ?? '').replace('%S', '/var/lib').split('=')),
  )
  const chosen = {
    PUBLIC_URL: 'https://coda.example.com',
    MCP_BEARER_TOKENS: `laptop:sha256:${'0f'.repeat(32)}`,
    CODA_API_TOKEN: 'canary',
  }
  const readCredential = (path: string) => made(path.replace('%d/coda-mcp_', ''))

  it('start a server with a database', () => {
    const own = { TOKEN_STORE: 'postgres', CODA_API_TOKEN: '' }
    const { database, dataDir } = readConfig({ ...unit, ...chosen, ...own }, readCredential)
    expect(database?.connectionString).toBe(made('database_url'))
    expect(dataDir).toBe('/var/lib/coda-mcp')
  })

  it('start one without, when its two variables are set to nothing', () => {
    const none = { DATABASE_URL_FILE: '', MCP_AUTH_ENCRYPTION_KEYS_FILE: '' }
    const { database, warnings } = readConfig({ ...unit, ...chosen, ...none }, readCredential)
    expect(database).toBeUndefined()
    expect(warnings).toEqual([])
  })
})

describe('README.md', () => {
  const readme = readFileSync(join(example, 'README.md'), 'utf8')

  it('has every profile of Compose, and no other', () => {
    const described = [...readme.matchAll(/^\| `([a-z-]+)` \| [A-Z]/gm)].map(([, name]) => name)
    const services = Object.values<{ profiles?: string[] }>(compose.services)
    const profiles = services.flatMap((service) => service.profiles ?? [])
    expect(new Set(described)).toEqual(new Set(profiles))
  })

  it('names files that exist', () => {
    const files = [...readme.matchAll(/`((?:deploy\/[\w./-]+)|Dockerfile)`/g)].map(
      ([, file]) => file,
    )
    expect(files.length).toBeGreaterThan(3)
    for (const file of files) expect(statSync(join(example, `${file}`)).size).toBeGreaterThan(0)
  })
})

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
}

interface Job {
  readonly needs?: string | readonly string[]
  readonly permissions?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  readonly steps: readonly Step[]
}

describe('the release', () => {
  const workflow = readFileSync(
    new URL('../../../.github/workflows/release.yml', import.meta.url),
    'utf8',
  )
  const { jobs, permissions } = parse(workflow) as {
    readonly jobs: Readonly<Record<string, Job>>
    readonly permissions: Readonly<Record<string, string>>
  }
  const stepsOf = (name: string): readonly Step[] => jobs[name]?.steps ?? []
  const before = (name: string): readonly string[] => {
    const needs = [jobs[name]?.needs ?? []].flat()
    return [...needs, ...needs.flatMap(before)]
  }

  it('builds this Dockerfile, and pushes the image that is deployed', () => {
    const steps = ['check-image', 'image'].flatMap(stepsOf)
    const builds = steps.filter(({ uses }) => uses?.startsWith('docker/build-push-action@'))
    expect(builds).toHaveLength(2)
    for (const build of builds) {
      expect(build.with).toMatchObject({ context: '.', file: 'examples/coda-mcp/Dockerfile' })
    }
    const [pushed] = builds.filter((build) => build.with?.push === true)
    expect(pushed?.with).toMatchObject({
      platforms: 'linux/amd64,linux/arm64',
      provenance: 'mode=max',
      sbom: true,
    })
    expect(compose.services['coda-mcp'].image).toContain(`${jobs.image?.env?.IMAGE}:`)
    const version = stepsOf('image').find(({ run }) => run?.includes('version='))
    expect(version?.run).toContain('./examples/coda-mcp/package.json')
  })

  it('checks everything, and starts the image, before it publishes anything', () => {
    expect(stepsOf('check').map(({ run }) => run)).toContain('npm run check')
    expect(stepsOf('check-image').at(-1)?.run).toContain('.ci/start-image')
    expect(new Set(before('publish'))).toEqual(new Set(['check', 'check-image']))
    expect(before('image')).toEqual(expect.arrayContaining(['publish', 'check', 'check-image']))
  })

  it('runs code of dependencies only where nothing can be written', () => {
    expect(permissions).toEqual({ contents: 'read' })
    for (const [name, job] of Object.entries(jobs)) {
      const rights = Object.values(job.permissions ?? permissions)
      const installs = job.steps.flatMap(({ run }) => run ?? []).filter((run) => /npm ci/.test(run))
      const runsScripts = installs.some((run) => !run.includes('--ignore-scripts'))
      if (runsScripts || name.startsWith('check')) expect([name, ...rights]).not.toContain('write')
    }
  })

  it('has in each job the rights that its work needs, and no other', () => {
    expect(jobs.check?.permissions).toBeUndefined()
    expect(jobs['check-image']?.permissions).toBeUndefined()
    expect(jobs.publish?.permissions).toEqual({
      contents: 'write',
      'pull-requests': 'write',
      'id-token': 'write',
    })
    expect(jobs.image?.permissions).toEqual({
      contents: 'read',
      packages: 'write',
      'id-token': 'write',
      attestations: 'write',
    })
  })

  it('leaves no token behind in a checkout that does not push', () => {
    for (const [name, { steps }] of Object.entries(jobs)) {
      const [checkout] = steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'))
      const keeps = checkout?.with?.['persist-credentials'] !== false
      expect([name, keeps]).toEqual([name, name === 'publish'])
    }
  })

  it('names every action by a commit, with its release beside it', () => {
    const used = [...workflow.matchAll(/^ *- uses: (.*)$/gm)].map(([, action]) => action)
    expect(used.length).toBeGreaterThan(10)
    for (const action of used) {
      expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
    }
    expect(new Set(used).size).toBe(new Set(used.map((action) => action?.split('@')[0])).size)
  })

  it('signs in at npm by what changesets reads, and sets the version of the deployment', () => {
    const [publish] = stepsOf('publish').filter(({ uses }) => uses?.startsWith('changesets/'))
    expect(Object.keys(publish?.env ?? {})).toContain('NPM_TOKEN')
    expect(Object.keys(publish?.env ?? {})).not.toContain('NODE_AUTH_TOKEN')
    expect(publish?.with?.version).toBe('bash .ci/release-version')
    const script = readFileSync(new URL('../../../.ci/release-version', import.meta.url), 'utf8')
    expect(script).toMatch(/npm run release:version\n.*set-version\.mjs\n/)
  })
})
