import { existsSync, readFileSync } from 'node:fs'

const descriptionUrl = new URL(
  '../../../../../shared/coda/openapi-docs-domain.derived.json',
  import.meta.url,
)
const inventoryUrl = new URL('../../../../../shared/coda/mcp-tool-inventory.json', import.meta.url)
export const inventoryMissing = !existsSync(inventoryUrl)

/** An operation of Coda's API description. */
interface ApiOperation {
  readonly id: string
  readonly tags: readonly string[]
  readonly matches: (request: { readonly method: string; readonly url: string }) => boolean
}

/** Reads the operations of the API description. */
export function readApiOperations(): readonly ApiOperation[] {
  const description = JSON.parse(readFileSync(descriptionUrl, 'utf8'))
  const operations: ApiOperation[] = []
  for (const [path, methods] of Object.entries<Record<string, unknown>>(description.paths)) {
    const pattern = new RegExp(`^/apis/v1${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`)
    for (const [method, operation] of Object.entries(methods)) {
      const { operationId, tags } = Object(operation)
      if (typeof operationId !== 'string') continue
      operations.push({
        id: operationId,
        tags,
        matches: (request) =>
          request.method === method.toUpperCase() && pattern.test(request.url.split('?')[0] ?? ''),
      })
    }
  }
  return operations
}

/** Tools of another Coda MCP server: their names, and of each the names of its inputs, "?" for optional. */
export function readInventory(server: string): readonly (readonly [string, readonly string[]])[] {
  const { servers } = JSON.parse(readFileSync(inventoryUrl, 'utf8'))
  return Object.entries<readonly string[]>(servers[server].tools)
}
