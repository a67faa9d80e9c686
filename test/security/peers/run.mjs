// Runs the same inputs against this project and three others, and writes docs/security/comparison.md.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { formatComparison } from './comparison.mjs'
import { runSuite } from './suite.mjs'

const ROOT = new URL('../../../', import.meta.url)
const PAGE = new URL('docs/security/comparison.md', ROOT)
const CANDIDATES = [
  { name: 'ours', title: 'this project', packages: ['@bestviable/mcp-auth-middleware'] },
  {
    name: 'sdk-v2',
    title: 'MCP SDK v2 + jose',
    packages: ['@modelcontextprotocol/express', '@modelcontextprotocol/server', 'jose'],
  },
  {
    name: 'express-oauth2-jwt-bearer',
    title: 'express-oauth2-jwt-bearer',
    packages: ['express-oauth2-jwt-bearer'],
  },
  { name: 'mcp-auth', title: 'mcp-auth', packages: ['mcp-auth'] },
]

function versionOf(name) {
  const manifest = new URL(`node_modules/${name}/package.json`, ROOT)
  return `${name} ${JSON.parse(readFileSync(manifest, 'utf8')).version}`
}

const candidates = []
for (const { name, title, packages } of CANDIDATES) {
  const results = await runSuite(name)
  const wrong = results.filter(({ isRight }) => !isRight)
  console.log(`${title}: ${results.length - wrong.length} of ${results.length} as expected`)
  for (const { id, what, seen } of wrong) console.log(`  ${id} ${what}: ${seen}`)
  candidates.push({ title, versions: packages.map(versionOf).join(', '), results })
}
mkdirSync(new URL('docs/security/', ROOT), { recursive: true })
const date = new Date().toISOString().slice(0, 10)
writeFileSync(PAGE, formatComparison({ date, node: process.version, candidates }))
if (candidates[0].results.some(({ isRight }) => !isRight)) process.exitCode = 1
