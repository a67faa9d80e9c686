import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { transformSync } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { findFreePort } from '../../.ci/free-port.mjs'
import { testEngines } from '../../packages/store-postgres/test/support/engines.js'
import { docstringSnippets, markdownSnippets, ROOT, type Snippet } from './snippets.js'
import { typeCheck } from './type-check.js'

const folder = join(ROOT, 'docs/test/.snippets')
const stubs = join(ROOT, 'docs/test/stubs')

const MODULES = [
  '@bestviable/mcp-auth-middleware',
  '@bestviable/mcp-auth-middleware/dpop',
  '@bestviable/mcp-auth-middleware/envelope',
  '@bestviable/mcp-auth-middleware/express',
  '@bestviable/mcp-auth-middleware/testing',
  '@bestviable/mcp-auth-store-env',
  '@bestviable/mcp-auth-store-infisical',
  '@bestviable/mcp-auth-store-postgres',
  '@bestviable/mcp-authorization-server',
  '@bestviable/mcp-authorization-server/management',
]

/** Import lines for the names of our packages that a docstring uses without importing them. */
async function importsFor(code: string): Promise<string> {
  const declared = new Set(
    [...code.matchAll(/(?:const|let|function|import\s*\{)\s*([A-Za-z_$][\w$]*)/g)].map(
      ([, name]) => name,
    ),
  )
  const seen = new Set<string>()
  const lines: string[] = []
  for (const module of MODULES) {
    const names = Object.keys(await import(module)).filter(
      (name) =>
        !declared.has(name) && !seen.has(name) && new RegExp(`(?<![.\\w$])${name}\\b`).test(code),
    )
    for (const name of names) seen.add(name)
    if (names.length > 0) lines.push(`import { ${names.join(', ')} } from '${module}'`)
  }
  return `${lines.join('\n')}\nexport {}\n`
}

/** Type-checks snippets in one compiler run and returns its complaints. */
function typeCheckSnippets(files: readonly string[]): string {
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../../tsconfig.base.json',
      compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
      files,
    }),
  )
  return typeCheck(folder)
}

function write(snippets: readonly Snippet[], prefix: string, codes: readonly string[]): string[] {
  return snippets.map(({ place }, index) => {
    const name = `${prefix}-${index}.ts`
    writeFileSync(join(folder, name), `// ${place}\n${codes[index]}`)
    return name
  })
}

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  copyFileSync(join(stubs, 'mcp-handler.ts'), join(folder, 'mcp-handler.ts'))
  copyFileSync(join(stubs, 'ambient.d.ts'), join(folder, 'ambient.d.ts'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('code in the documents', () => {
  it('type-checks in every Markdown file as it stands', { timeout: 90_000 }, () => {
    const snippets = markdownSnippets()
    expect(snippets.length).toBeGreaterThan(5)
    const files = write(
      snippets,
      'markdown',
      snippets.map(({ code }) => `${code}\nexport {}\n`),
    )
    expect(typeCheckSnippets(files)).toBe('')
  })

  it('type-checks in every docstring', { timeout: 90_000 }, async () => {
    const snippets = docstringSnippets()
    expect(snippets.length).toBeGreaterThan(5)
    const codes = await Promise.all(
      snippets.map(async ({ code }) => `${await importsFor(code)}${code}`),
    )
    expect(typeCheckSnippets(['ambient.d.ts', ...write(snippets, 'docstring', codes)])).toBe('')
  })
})

const compile = (text: string): string => transformSync(text, { loader: 'ts' }).code

/** The first block of TypeScript in a document. */
function firstSnippet(path: string): string {
  return /^```ts\n([\s\S]*?)^```$/m.exec(readFileSync(join(ROOT, path), 'utf8'))?.[1] ?? ''
}

/** Runs a snippet as it stands, with a stand-in for the reader's MCP server, until the test ends. */
async function runSnippet(code: string, env: Readonly<Record<string, string>>): Promise<string> {
  const home = mkdtempSync(join(folder, 'run-'))
  writeFileSync(join(home, 'package.json'), '{"type":"module"}')
  writeFileSync(join(home, 'snippet.js'), compile(code))
  const stub = readFileSync(join(stubs, 'mcp-handler.ts'), 'utf8')
  writeFileSync(join(home, 'mcp-handler.js'), compile(stub))
  const port = await findFreePort()
  const child = spawn(process.execPath, [join(home, 'snippet.js')], {
    env: { ...process.env, ...env, PORT: String(port) },
    stdio: 'inherit',
  })
  onTestFinished(async () => {
    if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'exit')
  })
  const base = `http://127.0.0.1:${port}`
  await expect
    .poll(() => fetch(`${base}/mcp`, { method: 'POST' }).catch(() => undefined), {
      timeout: 15_000,
    })
    .toBeDefined()
  return base
}

describe("the README's snippet", () => {
  it('has at most ten lines and protects a server when it is run as it stands', async () => {
    const code = firstSnippet('README.md')
    expect(code.trim().split('\n').length).toBeLessThanOrEqual(10)
    const base = await runSnippet(code, {})
    const answer = await fetch(`${base}/mcp`, { method: 'POST' })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe(
      'Bearer resource_metadata="https://coda.example.com/.well-known/oauth-protected-resource/mcp"',
    )
    const metadata = await fetch(`${base}/.well-known/oauth-protected-resource/mcp`)
    expect(await metadata.json()).toMatchObject({
      resource: 'https://coda.example.com/mcp',
      authorization_servers: ['https://login.example.com'],
    })
  })
})

const postgres = testEngines().find(({ kind, skip }) => kind === 'postgres' && skip === undefined)

describe("the authorization server's snippet", () => {
  it.skipIf(postgres === undefined)(
    'has at most 15 lines, registers a client and asks for a sign-in when it is run as it stands',
    async () => {
      const code = firstSnippet('docs/guides/authorization-server.md')
      expect(code.trim().split('\n').length).toBeLessThanOrEqual(15)
      const database = await postgres?.createDatabase()
      onTestFinished(async () => database?.drop())
      const base = await runSnippet(code, {
        DATABASE_URL: database?.connectionString ?? '',
        MCP_AUTH_ENCRYPTION_KEYS: generateEncryptionKey(),
        GOOGLE_SECRET: 'canary-google-secret',
      })

      const resource = await fetch(`${base}/.well-known/oauth-protected-resource/mcp`)
      expect(await resource.json()).toMatchObject({
        authorization_servers: ['https://coda.example.com'],
      })
      const metadata = await fetch(`${base}/.well-known/oauth-authorization-server`)
      expect(await metadata.json()).toMatchObject({
        issuer: 'https://coda.example.com',
        code_challenge_methods_supported: ['S256'],
        scopes_supported: expect.arrayContaining(['coda.read']),
      })
      const redirectUri = 'https://client.example/callback'
      const registered = await fetch(`${base}/oauth/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ client_name: 'Reader', redirect_uris: [redirectUri] }),
      })
      expect(registered.status).toBe(201)
      const { client_id: clientId } = (await registered.json()) as { readonly client_id: string }
      const query = new URLSearchParams({
        client_id: clientId,
        redirect_uri: redirectUri,
        response_type: 'code',
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
      })
      const start = await fetch(`${base}/oauth/authorize?${query}`, { redirect: 'manual' })
      const cookie = start.headers
        .getSetCookie()
        .map((each) => each.split(';')[0])
        .join('; ')
      const page = new URL(start.headers.get('location') ?? '', base)
      const signIn = await fetch(base + page.pathname, { headers: { cookie } })
      expect(await signIn.text()).toContain('Google')
      const plain = await fetch(
        `${base}/oauth/authorize?${query}`.replace('method=S256', 'method=plain'),
        { redirect: 'manual' },
      )
      expect(plain.headers.get('location')).toContain('error=invalid_request')
    },
  )
})
