import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as core from '@bestviable/mcp-auth-middleware'
import * as authorizationServer from '@bestviable/mcp-authorization-server'
import { describe, expect, it } from 'vitest'
import { variableNames } from '../../examples/coda-mcp/src/config/variables.js'
import { VARIABLES } from '../../packages/cli/src/configuration/variables.js'
import {
  CHECK_IDS,
  type CheckId,
  type ClientId,
  definitionOf,
} from '../../packages/cli/src/doctor/check.js'
import {
  type Document,
  documents,
  guides,
  relativeLinks,
  sectionOf,
  shellCommands,
  tableRows,
} from './documents.js'
import { shellBlocks } from './shell-blocks.js'
import { ROOT } from './snippets.js'

const headingsOf = ({ text }: Document): string[] =>
  [...text.matchAll(/^## (.+)$/gm)].map(([, heading = '']) => heading)
const named = (prefix: string): Document[] =>
  guides().filter(({ path }) => path.startsWith(`docs/guides/${prefix}`))
const namesOf = (pages: readonly Document[]): string[] =>
  pages.map(({ path }) => path.replace(/^docs\/guides\/\w+-(.*)\.md$/, '$1'))

const isCheck = (text: string): text is CheckId => CHECK_IDS.some((id) => id === text)

/** Checks to which a text leads. */
function linkedChecks(page: Document, text: string): string[] {
  return relativeLinks({ path: page.path, text })
    .flatMap((link) => /TROUBLESHOOTING\.md#(dr-\d+)$/.exec(link)?.[1] ?? [])
    .map((anchor) => anchor.toUpperCase())
}

/** Names of a provider guide's first block that have to be exported, and where. */
const PROVIDERS: Readonly<Record<string, keyof typeof core | keyof typeof authorizationServer>> = {
  auth0: 'auth0',
  'cloudflare-access': 'cloudflareAccess',
  cognito: 'cognito',
  entra: 'microsoft',
  google: 'google',
  keycloak: 'keycloak',
  stytch: 'stytch',
  workos: 'workos',
}

const CLIENTS: Readonly<Record<string, readonly ClientId[]>> = {
  chatgpt: ['chatgpt'],
  claude: ['claude', 'claude-code'],
  cursor: ['cursor'],
  vscode: ['vscode'],
}

describe('the guides to providers', () => {
  const pages = named('provider-')

  it('are all there are', () => {
    expect(namesOf(pages).sort()).toEqual(Object.keys(PROVIDERS).sort())
  })

  it.each(pages.map((page) => [page.path, page] as const))(
    '%s begins with code, and says what to set, how to check it, what goes wrong and what is not verified',
    (_path, page) => {
      expect(page.text).toMatch(/^# Provider: .+\n\n```ts\n/)
      const headings = headingsOf(page)
      const required = [
        'At the provider',
        'The example server',
        'Check it',
        'What can go wrong',
        'Not verified',
      ]
      expect(headings.filter((heading) => required.includes(heading))).toEqual(required)
      const checks = shellCommands({ path: page.path, text: page.text }).filter(
        ({ argv }) => argv[0] === 'doctor',
      )
      expect(checks.length).toBeGreaterThan(0)
      expect(
        relativeLinks({ path: '', text: sectionOf(page, 'What can go wrong') }),
      ).toContainEqual(expect.stringContaining('../TROUBLESHOOTING.md#'))
      expect(sectionOf(page, 'Not verified')).toMatch(/\d{4}-\d{2}-\d{2}/)
    },
  )

  it.each(Object.entries(PROVIDERS))(
    'provider-%s.md uses %s, which is exported',
    (name, preset) => {
      const page = pages.find(({ path }) => path.endsWith(`provider-${name}.md`))
      const code = /^```ts\n([\s\S]*?)^```$/m.exec(page?.text ?? '')?.[1] ?? ''
      expect(code).toContain(`${preset}({`)
      const exported: Record<string, unknown> = { ...core, ...authorizationServer }
      expect(typeof exported[preset]).toBe('function')
    },
  )
})

describe('the guides to clients', () => {
  const pages = named('client-')

  it('are all there are', () => {
    expect(namesOf(pages).sort()).toEqual(Object.keys(CLIENTS).sort())
  })

  it.each(pages.map((page) => [page.path, page] as const))(
    '%s begins with what to paste, and has every section',
    (_path, page) => {
      expect(page.text).toMatch(/^# Client: .+\n\n```(?:json|sh|text)\n/)
      const required = [
        'Connect',
        'What it needs of the server',
        'Check it',
        'What can go wrong',
        'Not verified',
      ]
      expect(headingsOf(page)).toEqual(required)
      expect(sectionOf(page, 'Not verified')).toMatch(/was not driven|were not driven/)
    },
  )

  it.each(Object.entries(CLIENTS))('client-%s.md asks the doctor for it', (name, ids) => {
    const page = pages.find(({ path }) => path.endsWith(`client-${name}.md`))
    const asked = shellCommands(page ?? { path: '', text: '' }).flatMap(({ argv }) => {
      const index = argv.indexOf('--client')
      return index === -1 ? [] : [argv[index + 1]]
    })
    expect(asked.sort()).toEqual([...ids].sort())
  })

  it.each(Object.entries(CLIENTS))(
    'client-%s.md names no check as needed that does not matter to it',
    (name, ids) => {
      const page = pages.find(({ path }) => path.endsWith(`client-${name}.md`))
      if (page === undefined) throw new Error(`no guide to ${name}`)
      const checks = linkedChecks(page, sectionOf(page, 'What it needs of the server'))
      expect(checks.length).toBeGreaterThan(2)
      const foreign = checks.filter(
        (id) => !isCheck(id) || !ids.some((client) => definitionOf(id).breaks.includes(client)),
      )
      expect(foreign).toEqual([])
    },
  )
})

const known: ReadonlySet<string> = new Set([...variableNames, ...Object.keys(VARIABLES)])

/** Names in capitals that are no variables of ours. */
const FOREIGN =
  /^(?:KC_HOSTNAME|CLIENT_ID|CODA_MCP_TOKEN|MCP_AUTH_DEPRECATED_|OTHER_KEY|[A-Z_]*DATABASE_URL|ERR_[A-Z_]+|AWS_REGION|MY_API_API_TOKEN|MY__5FAPI_API_TOKEN|ISSUER_BASE_URL|MCP_AUTH_DATABASE_(?:UNVERIFIED|PLAINTEXT)|REFRESH_TOKEN|NO_COLOR|FORCE_COLOR)$/

describe('variables in these documents', () => {
  // Those of the example and of the packages are held to what they name by tests of their own.
  const pages = documents()
    .map(({ path }) => path)
    .filter((path) => path.startsWith('docs/') || path === 'README.md')

  it.each(pages)('%s names none that does not exist', (path) => {
    const text = readFileSync(join(ROOT, path), 'utf8')
    const blocks = shellBlocks({ path, text }).map(({ script }) => script)
    const names = [
      ...[...text.matchAll(/`([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?:=[^`]*)?`/g)].map(([, name]) => name),
      ...blocks.flatMap((script) =>
        [...script.matchAll(/(?:export |^ *| )([A-Z][A-Z0-9]*_[A-Z0-9_]+)=/gm)].map(
          ([, name]) => name,
        ),
      ),
    ]
    const unknown = names
      .map((name = '') => name.replace(/_FILE$/, ''))
      .filter((name) => !known.has(name) && !FOREIGN.test(name))
    expect(unknown).toEqual([])
  })
})

describe('events in these documents', () => {
  it('are in the audit trail where a command looks for them there', () => {
    const events = documents().find(({ path }) => path.endsWith('authorization-server-events.md'))
    if (events === undefined) throw new Error('there is no page of events')
    const trail = tableRows(sectionOf(events, 'Events of the authorization server'))
      .filter(([, , kept = 'no']) => kept !== 'no')
      .map(([name = '']) => name.replaceAll('`', ''))
    expect(trail.length).toBeGreaterThan(15)
    const stores = ['credential.read', 'credential.write', 'credential.delete', 'key.rotate']
    const inTrail = new Set([...trail, ...stores, 'tool.call'])
    const asked = documents().flatMap((page) =>
      shellCommands(page).flatMap(({ place, argv }) => {
        const index = argv[0] === 'audit' ? argv.indexOf('--event') : -1
        return index === -1 ? [] : [`${place}: ${argv[index + 1]}`]
      }),
    )
    expect(asked.length).toBeGreaterThan(5)
    expect(asked.filter((each) => !inTrail.has(each.split(': ')[1] ?? ''))).toEqual([])
  })
})

describe('the README', () => {
  it('leads to each of these documents', () => {
    const readme = documents().find(({ path }) => path === 'README.md')
    const links = new Set(relativeLinks(readme ?? { path: '', text: '' }))
    const wanted = [
      'docs/OAUTH_SOP.md',
      'docs/TROUBLESHOOTING.md',
      'docs/GO_LIVE.md',
      'docs/DEPRECATIONS.md',
      'docs/guides/move-stytch-to-workos.md',
    ]
    expect(wanted.filter((path) => !links.has(path))).toEqual([])
  })
})
