import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { describe, expect, it } from 'vitest'
import { variableNames } from '../../examples/coda-mcp/src/config/variables.js'
import { type CodaMcpConfig, readConfig } from '../../examples/coda-mcp/src/config.js'
import { guides, sectionOf, tableRows } from './documents.js'
import { ROOT } from './snippets.js'

const read = (name: string): string => readFileSync(join(ROOT, 'docs/guides', name), 'utf8')

/** What the files hold that the guides name. */
const files: Readonly<Record<string, string>> = {
  '/run/secrets/coda': 'canary-coda',
  '/run/secrets/google': 'canary-google',
  '/run/secrets/database': 'postgres://mcp@db.example/mcp',
  '/run/secrets/keys': generateEncryptionKey(),
  '/run/secrets/bearer-digests': `laptop:sha256:${'0f'.repeat(32)}`,
}

/** The variables that the first block of a guide sets. */
function variablesOf(name: string): Record<string, string> {
  const block = /^```sh\n([\s\S]*?)^```$/m.exec(read(name))?.[1] ?? ''
  return Object.fromEntries(
    [...block.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, variable = '', value = '']) => [
      variable,
      value,
    ]),
  )
}

function configOf(variables: Record<string, string>): CodaMcpConfig {
  return readConfig(variables, (path) => {
    const content = files[path]
    if (content === undefined) throw new Error(`the guides name no file ${path}`)
    return content
  })
}

const waysIn: readonly (readonly [guide: string, isOn: (config: CodaMcpConfig) => boolean])[] = [
  ['way-in-embedded.md', ({ authorizationServer }) => authorizationServer !== undefined],
  ['way-in-stytch.md', (config) => config.waysIn.stytch !== undefined],
  ['way-in-cloudflare-access.md', (config) => config.waysIn.cloudflareAccess !== undefined],
  ['way-in-oidc.md', (config) => config.waysIn.oidc !== undefined],
  ['way-in-local-bearer.md', (config) => config.waysIn.bearer !== undefined],
]

describe('the guides to the ways in', () => {
  it('are all there are', () => {
    const names = guides().map(({ path }) => path.replace('docs/guides/', ''))
    expect(names.filter((name) => name.startsWith('way-in-')).sort()).toEqual(
      waysIn.map(([name]) => name).sort(),
    )
  })

  it.each(waysIn)(
    '%s begins with variables that turn on this way in and no other',
    (name, isOn) => {
      const config = configOf(variablesOf(name))
      expect(waysIn.filter(([, other]) => other(config)).map(([each]) => each)).toEqual([name])
      expect(isOn(config)).toBe(true)
      expect(config.warnings).toEqual([])
    },
  )

  it.each([...waysIn.map(([name]) => name), 'local-stdio.md', 'move-between-ways-in.md'])(
    '%s names no variable that the server does not have',
    (name) => {
      const named = [...read(name).matchAll(/`([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?:=[^`]*)?`/g)]
      const unknown = named
        .map(([, variable = '']) => variable.replace(/_FILE$/, ''))
        .filter((variable) => !variableNames.includes(variable))
      expect(unknown).toEqual([])
    },
  )

  it('move-between-ways-in.md begins with two ways in at once', () => {
    const { PUBLIC_URL, HOST, CODA_API_TOKEN_FILE } = variablesOf('way-in-stytch.md')
    const base = { PUBLIC_URL, HOST, CODA_API_TOKEN_FILE } as Record<string, string>
    const { waysIn: on } = configOf({ ...base, ...variablesOf('move-between-ways-in.md') })
    expect(Object.keys(on).sort()).toEqual(['bearer', 'stytch'])
  })

  it('move-between-ways-in.md lists the ways in in the order of the code', () => {
    const path = 'docs/guides/move-between-ways-in.md'
    const section = sectionOf(
      { path, text: read('move-between-ways-in.md') },
      'Which one new clients use',
    )
    const order = tableRows(section).map(([, wayIn]) => wayIn)
    const source = readFileSync(join(ROOT, 'examples/coda-mcp/src/auth.ts'), 'utf8')
    const made = [
      ...source.matchAll(
        /validators\.push\(\s*(ownValidator|stytch|oidc|cloudflareAccess|localBearer)\(/g,
      ),
    ].map(([, name = '']) => name)
    const names: Readonly<Record<string, string>> = {
      ownValidator: 'embedded authorization server',
      stytch: 'Stytch',
      oidc: 'any OpenID provider',
      cloudflareAccess: 'Cloudflare Access',
      localBearer: 'fixed tokens',
    }
    expect(order).toEqual([...new Set(made)].map((name) => names[name]))
  })
})
