import { scopeOf } from '../../src/tools/scopes.js'
import type { CodaTool } from '../../src/tools/tool.js'

const before = `# Tools

\`tools/list\` has the inputs and outputs of each tool as JSON Schema; this page has the rest. Names and inputs are those of [orellazri/coda-mcp](https://github.com/orellazri/coda-mcp) and [dustinrgood/coda-mcp](https://github.com/dustinrgood/coda-mcp) where these have the tool, so that prompts written for them go on working; where they take an array as a text of JSON, both forms are taken here.

| Scope | For |
|---|---|
| \`coda.read\` | tools that change nothing |
| \`coda.write\` | tools that change a doc; includes \`coda.read\` |
| \`coda.share\` | tools that decide who sees a doc; includes \`coda.read\`, and no other scope includes it. Clients are not told to ask for it at first, only when such a tool is called |

\`READ_ONLY=true\` leaves out every tool that is not marked as reading. The hints are the annotations of MCP: clients ask the person before destructive calls, and may repeat idempotent ones. The operations are those of Coda's API description that a tool is made of; all of its operations on docs have a tool.

`

const head = `| Tool | What it does | Scope | Hints | Coda operations |
|---|---|---|---|---|`

function firstSentence(description: string): string {
  return /^.*?\.(?=\s|$)/s.exec(description)?.[0] ?? description
}

function describeHints({ annotations }: CodaTool): string {
  const { readOnlyHint, destructiveHint, idempotentHint } = annotations
  if (readOnlyHint) return 'reads'
  return [destructiveHint ? 'destructive' : 'adds', ...(idempotentHint ? ['idempotent'] : [])].join(
    ', ',
  )
}

/** The page that describes every tool. */
export function formatToolPage(tools: readonly CodaTool[]): string {
  const rows = tools.map((tool) => [
    `\`${tool.name}\``,
    firstSentence(tool.description),
    `\`${scopeOf(tool)}\``,
    describeHints(tool),
    tool.operations.join(', '),
  ])
  const table = rows.map(
    (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
  )
  return `${before}${head}\n${table.join('\n')}\n`
}
