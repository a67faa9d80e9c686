import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { transformSync } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { docstringSnippets, markdownSnippets, ROOT, type Snippet } from './snippets.js'

const folder = join(ROOT, 'docs/test/.snippets')
const stubs = join(ROOT, 'docs/test/stubs')

const MODULES = [
  '@bestviable/mcp-auth-middleware',
  '@bestviable/mcp-auth-middleware/envelope',
  '@bestviable/mcp-auth-middleware/express',
  '@bestviable/mcp-auth-middleware/testing',
  '@bestviable/mcp-auth-store-env',
  '@bestviable/mcp-auth-store-infisical',
  '@bestviable/mcp-auth-store-postgres',
  '@bestviable/mcp-authorization-server',
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
function typeCheck(files: readonly string[]): string {
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../../tsconfig.base.json',
      compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
      files,
    }),
  )
  try {
    execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder])
    return ''
  } catch (error) {
    return String((error as { stdout?: Buffer }).stdout ?? error)
  }
}

function write(snippets: readonly Snippet[], prefix: string, codes: readonly string[]): string[] {
  return snippets.map(({ place }, index) => {
    const name = `${prefix}-${index}.ts`
    writeFileSync(join(folder, name), `// ${place}\n${codes[index]}`)
    return name
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return typeof address === 'object' && address !== null ? address.port : 0
}

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  copyFileSync(join(stubs, 'mcp-handler.ts'), join(folder, 'mcp-handler.ts'))
  copyFileSync(join(stubs, 'ambient.d.ts'), join(folder, 'ambient.d.ts'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('code in the documents', () => {
  it('type-checks in every Markdown file as it stands', () => {
    const snippets = markdownSnippets()
    expect(snippets.length).toBeGreaterThan(5)
    const files = write(
      snippets,
      'markdown',
      snippets.map(({ code }) => `${code}\nexport {}\n`),
    )
    expect(typeCheck(files)).toBe('')
  })

  it('type-checks in every docstring', async () => {
    const snippets = docstringSnippets()
    expect(snippets.length).toBeGreaterThan(5)
    const codes = await Promise.all(
      snippets.map(async ({ code }) => `${await importsFor(code)}${code}`),
    )
    expect(typeCheck(['ambient.d.ts', ...write(snippets, 'docstring', codes)])).toBe('')
  })
})

describe("the README's snippet", () => {
  let child: ChildProcess | undefined
  afterAll(() => child?.kill('SIGTERM'))

  it('has at most ten lines and protects a server when it is run as it stands', async () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
    const code = /^```ts\n([\s\S]*?)^```$/m.exec(readme)?.[1] ?? ''
    expect(code.trim().split('\n').length).toBeLessThanOrEqual(10)

    const compile = (text: string): string => transformSync(text, { loader: 'ts' }).code
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    writeFileSync(join(folder, 'readme.js'), compile(code))
    const stub = readFileSync(join(stubs, 'mcp-handler.ts'), 'utf8')
    writeFileSync(join(folder, 'mcp-handler.js'), compile(stub))
    const port = await freePort()
    child = spawn(process.execPath, [join(folder, 'readme.js')], {
      env: { ...process.env, PORT: String(port) },
      stdio: 'inherit',
    })

    const base = `http://127.0.0.1:${port}`
    const answer = await expect
      .poll(() => fetch(`${base}/mcp`, { method: 'POST' }).catch(() => undefined), {
        timeout: 15_000,
      })
      .toBeDefined()
      .then(() => fetch(`${base}/mcp`, { method: 'POST' }))
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
