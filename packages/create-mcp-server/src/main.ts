import { readFileSync } from 'node:fs'

// `npm create @bestviable/mcp-server` is `mcp-auth init`, in this process: signals, exit codes and
// questions are those of the command.
const manifestUrl = new URL(import.meta.resolve('@bestviable/mcp-auth-cli/package.json'))
const { bin } = JSON.parse(readFileSync(manifestUrl, 'utf8')) as { bin: { 'mcp-auth': string } }
process.argv.splice(2, 0, 'init')
await import(new URL(bin['mcp-auth'], manifestUrl).href)
