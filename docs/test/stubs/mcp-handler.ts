import type { RequestHandler } from 'express'

/** Stands for the reader's own MCP server in the code of the docs. */
export const mcpHandler: RequestHandler = (_request, response) => {
  response.json({ jsonrpc: '2.0', id: 1, result: { tools: [] } })
}
