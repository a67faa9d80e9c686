import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTestIssuer, type TestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import { transformSync } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findFreePort } from '../../examples/coda-mcp/test/support/free-port.js'
import { sectionOf, tableRows } from './documents.js'
import { type RunningServers, runServers } from './existing-servers.js'
import { ROOT } from './snippets.js'

const folder = join(ROOT, 'docs/test/.snippets-existing/migration')
const GUIDES = [
  'migrate-from-mcp-auth-router',
  'migrate-from-mcp-auth',
  'migrate-from-express-oauth2-jwt-bearer',
] as const
const LANGUAGES = { before: 'js', after: 'ts' } as const
type Side = keyof typeof LANGUAGES

const read = (guide: string): string => readFileSync(join(ROOT, `docs/guides/${guide}.md`), 'utf8')

/** The first server of a guide that is marked as one side. */
function codeOf(guide: string, side: Side): string {
  const mark = side === 'before' ? 'Before' : 'After'
  const block = new RegExp(`^\`\`\`${LANGUAGES[side]}\n// ${mark}\n([\\s\\S]*?)^\`\`\`$`, 'm')
  return block.exec(read(guide))?.[1] ?? ''
}

let issuer: TestIssuer
let servers: RunningServers
const SIDES = GUIDES.flatMap((guide) =>
  (['before', 'after'] as const).map((side) => ({ guide, side })),
)
beforeAll(async () => {
  issuer = createTestIssuer({ scopes: ['notes.read', 'notes.write'] })
  await issuer.listen()
  mkdirSync(folder, { recursive: true })
  const stub = join(ROOT, 'docs/test/stubs/mcp-handler.ts')
  copyFileSync(stub, join(folder, 'mcp-handler.ts'))
  const handler = transformSync(readFileSync(stub, 'utf8'), { loader: 'ts' })
  writeFileSync(join(folder, 'mcp-handler.js'), handler.code)
  const codes = []
  for (const { guide, side } of SIDES) {
    const port = await findFreePort()
    const code = codeOf(guide, side)
      .replaceAll('https://notes.example.com/mcp', `http://127.0.0.1:${port}/mcp`)
      .replaceAll('https://login.example.com', issuer.issuer)
    codes.push({ code, port })
  }
  servers = await runServers(folder, codes)
}, 90_000)
afterAll(async () => {
  await servers.close()
  await issuer.close()
  rmSync(folder, { recursive: true, force: true })
})

async function post(url: string, token?: string): Promise<number> {
  const response = await fetch(url, {
    method: 'POST',
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  })
  return response.status
}

/** The requests of the tables, by what they are called there. */
const REQUESTS: Readonly<Record<string, (url: string) => Promise<number>>> = {
  'no token': (url) => post(url),
  // First of those with a token, since no key has been fetched yet.
  'a good token while the keys cannot be fetched': async (url) => {
    issuer.respond('jwks', 'error-500')
    const status = await post(url, await issuer.token({ aud: url }))
    issuer.respond('jwks', 'ok')
    return status
  },
  'a good token': async (url) => {
    const token = await issuer.token({ aud: url })
    // After an outage keys are asked for again as soon as the guard may.
    await expect.poll(() => post(url, token), { timeout: 15_000 }).toBe(200)
    return 200
  },
  'a token for another resource': async (url) =>
    post(url, await issuer.token({ aud: new URL('/other', url).href })),
  'a token without `exp`': async (url) => post(url, await issuer.faulty('no-expiry', { aud: url })),
  'a token without the scope': async (url) =>
    post(url, await issuer.token({ aud: url, scope: 'notes.write' })),
  'another path below `/mcp`, no token': (url) => post(`${url}/other`),
  'metadata at the path of the resource': async (url) =>
    (await fetch(new URL('/.well-known/oauth-protected-resource/mcp', url))).status,
  'metadata at the root': async (url) =>
    (await fetch(new URL('/.well-known/oauth-protected-resource', url))).status,
}

async function answersOf(guide: string, side: Side): Promise<Record<string, number>> {
  const url = servers.urls[SIDES.findIndex((each) => each.guide === guide && each.side === side)]
  const answers: Record<string, number> = {}
  for (const [name, send] of Object.entries(REQUESTS)) answers[name] = await send(url ?? '')
  return answers
}

describe.each(GUIDES)('docs/guides/%s.md', (guide) => {
  const document = { path: `docs/guides/${guide}.md`, text: read(guide) }
  const rows = tableRows(sectionOf(document, 'What behaves differently'))

  it('has a row for every request, and says how to go back', () => {
    expect(rows.map(([name]) => name).sort()).toEqual(Object.keys(REQUESTS).sort())
    expect(sectionOf(document, 'Roll back')).toMatch(/Deploy|deploy/)
    expect(sectionOf(document, 'What maps to what')).toContain('|')
  })

  it.each(['before', 'after'] as const)(
    'answers as it says, %s',
    { timeout: 90_000 },
    async (side) => {
      const column = side === 'before' ? 1 : 2
      const shown = rows.map((row) => [row[0], Number(row[column])])
      expect(await answersOf(guide, side)).toEqual(Object.fromEntries(shown))
    },
  )
})
